import type { JobAnswer } from '@holdfast/api/types';
import { Button, Skeleton, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../../api/client.ts';
import { keys, quarantineQuery } from '../../api/queries.ts';
import { Empty } from '../../app/empty.tsx';
import { Failure } from '../../app/failure.tsx';
import { formatBytes } from '../../app/format.ts';
import { JobProgress } from '../../app/job-progress.tsx';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { Records } from '../../app/records.tsx';
import { useMayOperate } from '../../app/role.ts';
import { Time } from '../../app/time.tsx';
import classes from './drift.module.css';

const words = messages.drift;
const PAGE = 50;

/** What repairs moved away; nothing of it is ever deleted by Holdfast. */
export function QuarantinePanel() {
  const { data, error, refetch } = useQuery(quarantineQuery);
  const [shown, setShown] = useState(PAGE);
  const [jobId, setJobId] = useState<string | null>(null);
  const mayOperate = useMayOperate();
  const restore = useMutation({
    mutationFn: (id: string) => ask<JobAnswer>('/v1/quarantine/restore', { method: 'POST', body: { id } }),
    onSuccess: ({ id }) => setJobId(id),
  });
  const entries = data?.entries ?? [];
  return (
    <Panel title={words.quarantine}>
      {data === undefined ? (
        error === null ? (
          <Skeleton height={80} />
        ) : (
          <Failure error={error} what={words.quarantine} onRetry={() => void refetch()} />
        )
      ) : entries.length === 0 ? (
        <Empty title={words.quarantineEmpty}>{words.quarantineDetail}</Empty>
      ) : (
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            {words.quarantineDetail}
          </Text>
          <Records
            label={words.quarantine}
            rows={entries.slice(0, shown)}
            keyOf={({ id }) => id}
            columns={[
              {
                name: words.path,
                width: '50%',
                cell: ({ path, bytes }) => (
                  <div className={classes.path}>
                    <bdi>{path}</bdi>
                    <Text size="xs" c="dimmed">
                      {formatBytes(bytes)}
                    </Text>
                  </div>
                ),
              },
              { name: words.movedAt, cell: ({ movedAt }) => <Time at={movedAt} /> },
              {
                name: words.restore,
                isNameless: true,
                cell: ({ id, path }) => (
                  <Button
                    size="xs"
                    variant="default"
                    disabled={!mayOperate}
                    loading={restore.isPending && restore.variables === id}
                    onClick={() => restore.mutate(id)}
                    aria-label={words.restorePath(path)}
                  >
                    {words.restore}
                  </Button>
                ),
              },
            ]}
          />
          {entries.length > shown && (
            <Button variant="default" onClick={() => setShown(shown + PAGE)}>
              {messages.more}
            </Button>
          )}
        </Stack>
      )}
      {restore.error !== null && <Failure error={restore.error} />}
      {jobId !== null && <JobProgress id={jobId} stale={[keys.drift, keys.quarantine]} />}
    </Panel>
  );
}
