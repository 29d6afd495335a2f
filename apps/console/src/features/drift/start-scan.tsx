import type { JobAnswer, ScanAnswer } from '@holdfast/api/types';
import { Button, Group, Progress, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ask } from '../../api/client.ts';
import { jobQuery, keys } from '../../api/queries.ts';
import { Failure } from '../../app/failure.tsx';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';
import { useMayOperate } from '../../app/role.ts';

const words = messages.drift;
const KINDS = ['quick', 'full', 'deep'] as const;
type Kind = (typeof KINDS)[number];
/** What is asked for is told by events too; a job that nobody tells of is asked for again. */
const LOOK_EVERY_MS = 1_000;

export const isEnded = (job: JobAnswer): boolean => job.state === 'succeeded' || job.state === 'failed';

/** @param jobId  of a scan that somebody asked for; null: of none */
export function StartScan({
  jobId,
  onStarted,
}: {
  jobId: string | null;
  onStarted: (job: JobAnswer) => void;
}) {
  const [kind, setKind] = useState<Kind>('full');
  const mayOperate = useMayOperate();
  const start = useMutation({
    mutationFn: () =>
      ask<JobAnswer>('/v1/drift/scans', {
        method: 'POST',
        body: { kind, repair: 'none' } satisfies ScanRequest,
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
          <Button onClick={() => start.mutate()} loading={start.isPending} disabled={!mayOperate}>
            {words.doStart}
          </Button>
        </Group>
        <Text size="sm" c="dimmed">
          {mayOperate ? words.kinds[kind] : messages.session.needsOperator}
        </Text>
        {start.error !== null && <Failure error={start.error} />}
        {jobId !== null && <JobProgress id={jobId} />}
      </Stack>
    </Panel>
  );
}

export interface ScanRequest {
  readonly kind: Kind;
  readonly repair: ScanAnswer['repair'];
  readonly confirm?: number;
}

/** How far a job is, until it has ended; then what it came to. */
export function JobProgress({ id }: { id: string }) {
  const queries = useQueryClient();
  const { data: job, error } = useQuery({
    ...jobQuery(id),
    refetchInterval: ({ state }) => (state.data !== undefined && isEnded(state.data) ? false : LOOK_EVERY_MS),
  });
  const hasEnded = job !== undefined && isEnded(job);
  useEffect(() => {
    if (!hasEnded) return;
    void queries.invalidateQueries({ queryKey: keys.drift });
    void queries.invalidateQueries({ queryKey: keys.quarantine });
  }, [hasEnded, queries]);
  if (error !== null) return <Failure error={error} />;
  if (job === undefined) return null;
  if (job.state === 'failed') {
    return (
      <Text c="red" role="alert" dir="auto">
        {words.jobFailed} {job.error?.message}
      </Text>
    );
  }
  if (hasEnded) {
    return (
      <Text role="status" size="sm">
        {words.jobDone(job.counts)}
      </Text>
    );
  }
  const { phase = '', done = 0, total = null } = job.progress ?? {};
  const percent = total === null || total === 0 ? 100 : Math.round((100 * done) / total);
  return (
    <div>
      <Text size="sm" role="status">
        {words.jobRuns(words.phases[phase] ?? phase, done, total)}
      </Text>
      <Progress value={percent} animated={total === null} aria-label={words.progress} />
    </div>
  );
}
