import { expect, it } from '@jest/globals';
import { heardAt } from './heard-at.ts';

const NOW = new Date('2026-01-05T08:00:00.000Z');
const at = (minutes: number): string => new Date(NOW.getTime() + minutes * 60_000).toISOString();

it('a report is heard of when it is read, however wrong the clock of its node', () => {
  expect([-5, -1, 0, 1, 60].map((minutes) => heardAt(at(minutes), NOW))).toEqual(Array(5).fill(at(0)));
});

it('a report from long ago that is caught up with makes nobody alive again', () => {
  expect(heardAt(at(-6), NOW)).toBe(at(-6));
});
