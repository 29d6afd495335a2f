import { expect, it } from '@jest/globals';
import { type Activity, Pulse, SECONDS_KEPT } from './pulse.ts';

const activity = (counts: Partial<Activity>): Activity => ({
  published: 0,
  deleted: 0,
  replicated: 0,
  failed: 0,
  deadLettered: 0,
  replicationMs: null,
  recent: [],
  ...counts,
});
const event = (path: string, at = '') => ({ type: 'ContentPublished', path, version: 0, at });

it('adds up what one second brought, and keeps two minutes', () => {
  const pulse = new Pulse(0);
  pulse.setQueue(7);
  pulse.add(activity({ published: 2 }));
  pulse.add(activity({ published: 3, replicationMs: { p50: 10, p99: 90 } }));
  pulse.tick(1_000);
  pulse.tick(2_000);
  expect(pulse.seconds()).toHaveLength(SECONDS_KEPT);
  expect(pulse.seconds().slice(-3)).toEqual([
    { at: -1_000, published: null, p50Ms: null, p99Ms: null, queue: null },
    { at: 1_000, published: 5, p50Ms: 10, p99Ms: 90, queue: 7 },
    { at: 2_000, published: 0, p50Ms: null, p99Ms: null, queue: 7 },
  ]);
});

it('has the latest first among what happened', () => {
  const pulse = new Pulse(0);
  pulse.add(activity({ recent: [event('b.json'), event('a.json')] }));
  pulse.add(activity({ recent: [event('c.json')] }));
  expect(pulse.recent().map(({ path }) => path)).toEqual(['c.json', 'b.json', 'a.json']);
});

// The server's clock is an hour ahead.
const SERVER_NOW = '2026-01-05T09:00:00.000Z';
const NOW = Date.parse('2026-01-05T08:00:00.000Z');
const past = (isComplete: boolean) => ({
  now: SERVER_NOW,
  seconds: [
    { ...activity({ published: 4 }), at: '2026-01-05T08:59:50.000Z' },
    {
      ...activity({ published: 2, replicationMs: { p50: 5, p99: 8 } }),
      at: '2026-01-05T08:59:57.000Z',
    },
  ],
  recent: [event('b.json', '1'), event('a.json', '0')],
  isComplete,
});

it('takes what was before the page was opened, whatever the server’s clock says', () => {
  const pulse = new Pulse(NOW);
  pulse.add(activity({ published: 1, recent: [event('c.json', '2'), event('b.json', '1')] }));
  pulse.tick(NOW);
  pulse.fill(past(true), NOW);
  const published = pulse.seconds().map((second) => second.published);
  expect(published.slice(-12)).toEqual([0, 4, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1]);
  expect(published[0]).toBe(0);
  expect(pulse.seconds().at(-4)).toMatchObject({ p50Ms: 5, p99Ms: 8, queue: null });
  expect(pulse.recent().map(({ path }) => path)).toEqual(['c.json', 'b.json', 'a.json']);
  expect(pulse.isFilled).toBe(true);
});

it('says nothing of the time before what was counted', () => {
  const pulse = new Pulse(NOW);
  pulse.fill(past(false), NOW);
  const published = pulse.seconds().map((second) => second.published);
  expect(published.slice(-11)).toEqual([null, null, 0, 0, 0, 0, 0, 0, 2, 0, 0]);
});
