import { expect, it } from '@jest/globals';
import { type Activity, Pulse, SECONDS_KEPT } from './pulse.ts';

const activity = (counts: Partial<Activity>): Activity => ({
  published: 0,
  deleted: 0,
  replicated: 0,
  failed: 0,
  deadLettered: 0,
  recent: [],
  ...counts,
});

it('adds up what one second brought, and keeps two minutes', () => {
  const pulse = new Pulse(0);
  pulse.setQueue(7);
  pulse.add(activity({ published: 2, failed: 1 }));
  pulse.add(activity({ published: 3, deadLettered: 1, replicationMs: { p50: 10, p99: 90 } }));
  pulse.tick(1_000);
  pulse.tick(2_000);
  expect(pulse.seconds()).toHaveLength(SECONDS_KEPT);
  expect(pulse.seconds().slice(-2)).toEqual([
    { at: 1_000, published: 5, deleted: 0, replicated: 0, failed: 2, p50Ms: 10, p99Ms: 90, queue: 7 },
    { at: 2_000, published: 0, deleted: 0, replicated: 0, failed: 0, p50Ms: null, p99Ms: null, queue: 7 },
  ]);
});

it('has the latest first among what happened', () => {
  const pulse = new Pulse(0);
  const event = (path: string) => ({ type: 'ContentPublished', path, version: 0, at: '' });
  pulse.add(activity({ recent: [event('b.json'), event('a.json')] }));
  pulse.add(activity({ recent: [event('c.json')] }));
  expect(pulse.recent().map(({ path }) => path)).toEqual(['c.json', 'b.json', 'a.json']);
});
