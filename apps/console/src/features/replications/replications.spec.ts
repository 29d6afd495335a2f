import { expect, it } from '@jest/globals';
import { canRetry, keyOf, sinceOf, STATUSES } from './replications.ts';

it('lists from an instant on, or everything', () => {
  const now = Date.parse('2026-01-05T08:00:00.000Z');
  expect(sinceOf('hour', now)).toBe('2026-01-05T07:00:00.000Z');
  expect(sinceOf('week', now)).toBe('2025-12-29T08:00:00.000Z');
  expect([sinceOf(undefined, now), sinceOf('nonsense', now)]).toEqual([undefined, undefined]);
});

it('offers to retry what failed, and tells versions of a path apart', () => {
  expect(STATUSES.filter((status) => canRetry({ status }))).toEqual(['dead-letter', 'failed']);
  expect(keyOf({ path: 'a.json', version: 1 })).not.toBe(keyOf({ path: 'a.json', version: 2 }));
});
