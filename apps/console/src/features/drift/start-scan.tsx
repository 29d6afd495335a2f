import type { JobAnswer, ScanAnswer } from '@holdfast/api/types';
import { Button, Group, SegmentedControl, Select, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../../api/client.ts';
import { healthQuery, keys } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { JobProgress } from '../../app/job-progress.tsx';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { useMayOperate } from '../../app/role.ts';

const words = messages.drift;
const KINDS = ['quick', 'full', 'deep'] as const;
type Kind = (typeof KINDS)[number];
/** @param jobId  of a scan that somebody asked for; null: of none */
export function StartScan({
  jobId,
  onStarted,
}: {
  jobId: string | null;
  onStarted: (job: JobAnswer) => void;
}) {
  const [kind, setKind] = useState<Kind>('full');
  const [node, setNode] = useState<string | null>(null);
  const { data: health } = useQuery(healthQuery);
  const nodes = health?.nodes.map((known) => known.node) ?? [];
  const mayOperate = useMayOperate();
  const start = useMutation({
    mutationFn: () =>
      ask<JobAnswer>('/v1/drift/scans', {
        method: 'POST',
        body: { kind, repair: 'none', node: node ?? undefined } satisfies ScanRequest,
      }),
    onSuccess: onStarted,
  });
  return (
    <Panel title={words.start}>
      <Stack gap="sm">
        <Group>
          <SegmentedControl
            value={kind}
            onChange={(value) => setKind(value)}
            data={KINDS.map((value) => ({ value, label: messages.overview.scanKinds[value] }))}
            aria-label={words.kind}
          />
          {nodes.length > 1 && (
            <Select
              aria-label={words.filesOf}
              data={nodes}
              value={node ?? health?.node ?? null}
              onChange={setNode}
              allowDeselect={false}
            />
          )}
          <Button onClick={() => start.mutate()} loading={start.isPending} disabled={!mayOperate}>
            {words.doStart}
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          {mayOperate ? words.kinds[kind] : messages.session.needsOperator}
        </Text>
        {start.error !== null && <Failure error={start.error} />}
        {jobId !== null && <JobProgress id={jobId} stale={[keys.drift, keys.quarantine]} />}
      </Stack>
    </Panel>
  );
}

export interface ScanRequest {
  readonly kind: Kind;
  /** Whose files; absent: those of the node that answers. */
  readonly node?: string;
  readonly repair: ScanAnswer['repair'];
  readonly confirm?: number;
}
