import { expect, it } from '@jest/globals';
import { formatAgo, formatBytes, formatDuration, formatUtc } from './format.ts';

it.each([
  [0, '0 B'],
  [1023, '1,023 B'],
  [1536, '1.5 KiB'],
  [5 * 2 ** 30, '5 GiB'],
  [2 ** 60, '1,048,576 TiB'],
])('%d bytes are %j', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [340, '340 ms'],
  [1_500, '1.5 sec'],
  [65_000, '1 min 5 sec'],
  [3_600_000, '1 hr'],
  [90_061_000, '1 day 1 hr'],
])('%d ms are %j', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it('says how long ago something was in its largest unit', () => {
  const now = new Date('2026-01-02T12:00:00Z');
  const before = (ms: number) => formatAgo(new Date(now.getTime() - ms), now);
  expect([before(0), before(90_000), before(7_200_000)]).toEqual(['now', '1 min. ago', '2 hr. ago']);
});

it('writes UTC as people read it', () => {
  expect(formatUtc(new Date('2026-01-02T03:04:05.678Z'))).toBe('2026-01-02 03:04:05.678');
});
