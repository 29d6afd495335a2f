/** FR-024: seven retries after the first attempt, 53.5 minutes in all. */
export const DEFAULT_RETRY_SCHEDULE_MS: readonly number[] = [
  30_000, 60_000, 120_000, 300_000, 900_000, 900_000, 900_000,
];

/**
 * When to try again after a failed attempt.
 * @param attempt  the number of the attempt that failed, 1 for the first
 * @returns        null when the schedule is used up
 */
export function nextRetryAt(schedule: readonly number[], attempt: number, failedAt: Date): Date | null {
  const waitMs = schedule[attempt - 1];
  return waitMs === undefined ? null : new Date(failedAt.getTime() + waitMs);
}
