import type { JobAnswer } from '@holdfast/api/types';
import { Progress, Text } from '@mantine/core';
import { type QueryKey, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { jobQuery } from '../api/queries.ts';
import { Failure } from './failure.tsx';
import { messages } from './messages.ts';

const words = messages.jobs;
/** What is asked for is told by events too; a job that nobody tells of is asked for again. */
const LOOK_EVERY_MS = 1_000;

const isEnded = (job: JobAnswer): boolean => job.state === 'succeeded' || job.state === 'failed';

/**
 * How far a job is, until it has ended; then what it came to.
 * @param stale  what is asked for again when it has
 */
export function JobProgress({ id, stale }: { id: string; stale: readonly QueryKey[] }) {
  const queries = useQueryClient();
  const { data: job, error } = useQuery({
    ...jobQuery(id),
    refetchInterval: ({ state }) => (state.data !== undefined && isEnded(state.data) ? false : LOOK_EVERY_MS),
  });
  const hasEnded = job !== undefined && isEnded(job);
  useEffect(() => {
    if (!hasEnded) return;
    for (const queryKey of stale) void queries.invalidateQueries({ queryKey });
    // The list is written anew by each look of whoever shows this.
    // eslint-disable-next-line react-hooks/exhaustive-deps -- its contents never change
  }, [hasEnded, queries]);
  if (error !== null) return <Failure error={error} />;
  if (job === undefined) return null;
  if (job.state === 'failed') {
    return (
      <Text c="red" role="alert" dir="auto">
        {words.failed} {job.error?.message}
      </Text>
    );
  }
  if (hasEnded) {
    return (
      <Text role="status" size="sm">
        {words.done(job.counts)}
      </Text>
    );
  }
  const { phase = '', done = 0, total = null } = job.progress ?? {};
  const percent = total === null || total === 0 ? 100 : Math.round((100 * done) / total);
  return (
    <div>
      <Text size="sm" role="status">
        {words.runs(words.phases[phase] ?? phase, done, total)}
      </Text>
      <Progress value={percent} animated={total === null} aria-label={words.progress} />
    </div>
  );
}
