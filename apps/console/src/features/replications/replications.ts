import type { Replication } from '@holdfast/api/types';

export const STATUSES = [
  'dead-letter',
  'failed',
  'queued',
  'success',
  'superseded',
] as const satisfies readonly Replication['status'][];

/** What has yet to reach the bucket; other pages lead here with it. */
export const WAITING = 'queued,failed';

export const WINDOWS = ['hour', 'day', 'week'] as const;
export type Window = (typeof WINDOWS)[number];

const HOUR_MS = 3_600_000;
const LENGTHS: Readonly<Record<Window, number>> = {
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 7 * 24 * HOUR_MS,
};

/** The instant from which on to list; undefined: from the beginning. */
export function sinceOf(window: string | undefined, nowMs: number): string | undefined {
  const known = WINDOWS.find((name) => name === window);
  return known === undefined ? undefined : new Date(nowMs - LENGTHS[known]).toISOString();
}

/** One of the log: a version of a path. */
export const keyOf = ({ path, version }: Pick<Replication, 'path' | 'version'>): string =>
  `${path} ${version}`;

/** The set with a key, or without it. */
export function withOrWithout(keys: ReadonlySet<string>, key: string, isIn: boolean): ReadonlySet<string> {
  const others = [...keys].filter((known) => known !== key);
  return new Set(isIn ? [...others, key] : others);
}

/** What goes on by itself needs nobody; what was given up does. */
export const canRetry = ({ status }: Pick<Replication, 'status'>): boolean =>
  status === 'dead-letter' || status === 'failed';
