import { type HoldfastError, nextRetryAt } from '@holdfast/domain';

export type AttemptVerdict =
  { readonly do: 'retry'; readonly at: Date } | { readonly do: 'dead-letter' } | { readonly do: 'stop' };

/**
 * What follows a failed attempt; it looks at the kind only. Rights that one object alone lacks may be on their way.
 * @param attempt   the number of the attempt that failed, 1 for the first
 * @param schedule  waits in ms before the first, second and further retries
 */
export function judgeAttempt(
  error: HoldfastError,
  attempt: number,
  schedule: readonly number[],
  failedAt: Date,
): AttemptVerdict {
  const bySchedule = (): AttemptVerdict => {
    const at = nextRetryAt(schedule, attempt, failedAt);
    return at === null ? { do: 'dead-letter' } : { do: 'retry', at };
  };
  switch (error.kind) {
    case 'transient':
    case 'exhausted':
    case 'conflict':
    case 'missing':
    case 'denied':
      return bySchedule();
    case 'invalid':
    case 'rejected':
    case 'precondition':
    case 'poison':
      return { do: 'dead-letter' };
    case 'fatal':
      // A mistake of ours with one path must not keep all others from the bucket.
      return error.code === 'INTERNAL' ? bySchedule() : { do: 'stop' };
  }
}
