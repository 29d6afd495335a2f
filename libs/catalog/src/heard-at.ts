/** Clocks of machines that work together differ by less, so that an older report is one that was caught up with. */
const CLOCKS_DIFFER_MS = 5 * 60_000;

/**
 * When a report was heard of: now, as the clock of whoever wrote it may be wrong; but one that was in the log long
 * before it is read makes nobody alive again.
 * @param reportedAt  by the clock of its writer
 * @param now         by the reader's
 */
export function heardAt(reportedAt: string, now: Date): string {
  const isOld = now.getTime() - Date.parse(reportedAt) > CLOCKS_DIFFER_MS;
  return isOld ? reportedAt : now.toISOString();
}
