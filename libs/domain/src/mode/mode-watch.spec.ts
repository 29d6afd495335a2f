import { afterEach, expect, it } from '@jest/globals';
import { HoldfastError } from '../errors.ts';
import type { NewEvent } from '../events.ts';
import type { Clock } from '../ports/clock.ts';
import { systemClock } from '../ports/clock.ts';
import type { LogPage, SubscribeOptions } from '../ports/event-store.ts';
import { newEvent, record } from '../testing/fixtures.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { MemoryEventStore } from '../testing/memory-event-store.ts';
import { initialMode, type Mode } from './mode.ts';
import { ModeWatch } from './mode-watch.ts';

const changed = (changes: Partial<Mode>): NewEvent =>
  newEvent({ type: 'ModeChanged', data: { ...initialMode, ...changes, cause: 'operator', reason: '' } });

const open: ModeWatch[] = [];
const startWatch = async (
  store: MemoryEventStore,
  clock: Clock = systemClock,
  onTrouble: (error: HoldfastError) => void = () => undefined,
): Promise<ModeWatch> => {
  const watch = new ModeWatch({ store, clock });
  open.push(watch);
  await watch.start(onTrouble);
  return watch;
};

afterEach(async () => {
  await Promise.all(open.splice(0).map((watch) => watch.close()));
});

/** The subscription breaks at every third page. */
class Breaking extends MemoryEventStore {
  override async *subscribe(options: SubscribeOptions): AsyncGenerator<LogPage, void, undefined> {
    let pages = 0;
    for await (const page of super.subscribe(options)) {
      pages += 1;
      if (pages % 3 === 0) throw new HoldfastError('EVENT_STORE_UNAVAILABLE', 'cut');
      yield page;
    }
  }
}

/** The subscription ends in a way that trying again does not mend. */
class Damaged extends MemoryEventStore {
  // eslint-disable-next-line require-yield -- it never comes to a page
  override async *subscribe(): AsyncGenerator<LogPage, void, undefined> {
    await this.head();
    throw new HoldfastError('DATABASE_CORRUPT', 'The log is damaged.');
  }
}

it('knows the mode of before it started', async () => {
  const store = new MemoryEventStore();
  expect((await startWatch(store)).mode).toEqual(initialMode);
  await record(store, changed({ cdnEnabled: false }), changed({ cdnEnabled: true, pinned: true }));
  expect((await startWatch(store)).mode).toEqual({ ...initialMode, pinned: true });
});

it('FR-012 follows changes, through lost subscriptions too', async () => {
  const store = new Breaking();
  const watch = await startWatch(store);
  for (let index = 0; index < 10; index += 1) {
    const [appended] = await record(store, changed({ localFallback: index % 2 === 0 }));
    await watch.reached(appended?.position ?? '');
    expect(watch.mode.localFallback).toBe(index % 2 === 0);
  }
});

it('says that it is stale two seconds after it last heard from the log, and keeps the mode', async () => {
  let nowMs = Date.parse('2026-01-05T08:00:00.000Z');
  const clock: Clock = { ...systemClock, now: () => new Date(nowMs) };
  const store = new MemoryEventStore();
  await record(store, changed({ localFallback: true }));
  const watch = await startWatch(store, clock);
  expect(watch.isStale).toBe(false);
  await store.close();
  nowMs += 2_001;
  expect(watch.isStale).toBe(true);
  expect(watch.mode.localFallback).toBe(true);
});

it('tells of a failure that ends the following, and keeps the mode', async () => {
  const store = new Damaged();
  await record(store, changed({ localFallback: true }));
  const trouble = Promise.withResolvers<HoldfastError>();
  const watch = await startWatch(store, systemClock, trouble.resolve);
  expect(await trouble.promise).toMatchObject({ code: 'DATABASE_CORRUPT', kind: 'fatal' });
  expect(watch.mode.localFallback).toBe(true);
});

it('says that it lags when it does not hear of a change in time', async () => {
  const store = new MemoryEventStore();
  const [known] = await record(store, changed({ localFallback: true }));
  const clock = new ManualClock();
  const watch = await startWatch(store, clock);
  await watch.reached(known!.position);
  const lagging = expect(watch.reached('9'.repeat(16))).rejects.toMatchObject({
    code: 'MODE_LAGGING',
    kind: 'transient',
    context: { position: '9'.repeat(16), known: known!.position },
  });
  clock.advance(10_000);
  await lagging;
});
