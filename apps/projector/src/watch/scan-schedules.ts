import { Cron } from 'croner';
import type { ScanSchedule } from './look-at-scans.ts';

/** When scans were due, by the same patterns that begin them; a kind without a pattern is never due. */
export function scanSchedules(settings: {
  quickScan: string | null;
  fullScan: string | null;
  timezone: string;
}): ScanSchedule[] {
  const { quickScan, fullScan, timezone } = settings;
  const kinds = [
    ['quick', quickScan],
    ['full', fullScan],
  ] as const;
  return kinds.map(([kind, pattern]) => {
    const cron = pattern === null ? null : new Cron(pattern, { timezone, paused: true });
    return { kind, dueBefore: (instant: Date) => cron?.previousRuns(1, instant)[0] ?? null };
  });
}
