import type { JobAnswer } from '@holdfast/api/types';
import { Button, Skeleton, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
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
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">{words.path}</Table.Th>
                <Table.Th scope="col">{words.movedAt}</Table.Th>
                <Table.Th scope="col">
                  <VisuallyHidden>{words.restore}</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {entries.slice(0, shown).map(({ id, path, movedAt, bytes }) => (
                <Table.Tr key={id}>
                  <Table.Td className={classes.path}>
                    <bdi>{path}</bdi>
                    <Text size="xs" c="dimmed">
                      {formatBytes(bytes)}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    <Time at={movedAt} />
                  </Table.Td>
                  <Table.Td>
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
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
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
