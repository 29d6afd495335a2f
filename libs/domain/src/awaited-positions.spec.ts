import { getEventListeners } from 'node:events';
import { expect, it } from '@jest/globals';
import { AwaitedPositions } from './awaited-positions.ts';
import { ManualClock } from './testing/manual-clock.ts';

/** Time stands still, and every sleep that has not ended is counted. */
class CountingClock extends ManualClock {
  asleep = 0;

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.asleep += 1;
    await super.sleep(ms, signal);
    this.asleep -= 1;
  }
}

const NOTHING = { waiting: 0, timers: 0, listeners: 0 };

const given = () => {
  const clock = new CountingClock();
  const stop = new AbortController();
  const awaited = new AwaitedPositions(clock);
  const left = () => ({
    waiting: awaited.count,
    timers: clock.asleep,
    listeners: getEventListeners(stop.signal, 'abort').length,
  });
  return { clock, stop, left, awaited };
};

it('lets go who waited for a position, or an earlier one', async () => {
  const { stop, left, awaited } = given();
  const options = { timeoutMs: 1_000, signal: stop.signal };
  const [early, exact, late] = ['03', '05', '07'].map((position) => awaited.wait(position, options));
  expect(left()).toEqual({ waiting: 3, timers: 3, listeners: 3 });
  awaited.arrived('05');
  expect(await Promise.all([early, exact])).toEqual([true, true]);
  expect(left()).toEqual({ waiting: 1, timers: 1, listeners: 1 });
  awaited.arrived('09');
  expect(await late).toBe(true);
  expect(left()).toEqual(NOTHING);
});

it('gives up after the time, and leaves nothing behind', async () => {
  const { clock, stop, left, awaited } = given();
  const waiting = awaited.wait('05', { timeoutMs: 1_000, signal: stop.signal });
  clock.advance(1_000);
  expect(await waiting).toBe(false);
  expect(left()).toEqual(NOTHING);
});

it.each([1_000, Number.POSITIVE_INFINITY])(
  'gives up when the signal aborts, with %d ms to wait, and leaves nothing behind',
  async (timeoutMs) => {
    const { stop, left, awaited } = given();
    const waiting = awaited.wait('05', { timeoutMs, signal: stop.signal });
    expect(left()).toEqual({ waiting: 1, timers: Number.isFinite(timeoutMs) ? 1 : 0, listeners: 1 });
    stop.abort();
    expect(await waiting).toBe(false);
    expect(left()).toEqual(NOTHING);
    expect(await awaited.wait('05', { timeoutMs, signal: stop.signal })).toBe(false);
    expect(left()).toEqual(NOTHING);
  },
);

it('waits without a timer where there is no limit', async () => {
  const { clock, left, awaited } = given();
  const waiting = awaited.wait('05', { timeoutMs: Number.POSITIVE_INFINITY });
  expect(left()).toEqual({ waiting: 1, timers: 0, listeners: 0 });
  clock.advance(1_000_000_000);
  awaited.arrived('05');
  expect(await waiting).toBe(true);
});
