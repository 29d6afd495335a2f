import { expect, it } from '@jest/globals';
import { DEFAULT_RETRY_SCHEDULE_MS, nextRetryAt } from './schedule.ts';

it('FR-024 retries seven times within 53.5 minutes', () => {
  const failedAt = new Date('2026-11-01T08:00:00.000Z');
  const waits: number[] = [];
  for (let attempt = 1; ; attempt += 1) {
    const next = nextRetryAt(DEFAULT_RETRY_SCHEDULE_MS, attempt, failedAt);
    if (next === null) break;
    waits.push((next.getTime() - failedAt.getTime()) / 1000);
  }
  expect(waits).toEqual([30, 60, 120, 300, 900, 900, 900]);
  expect(waits.reduce((sum, wait) => sum + wait) / 60).toBe(53.5);
});
