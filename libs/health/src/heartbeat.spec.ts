import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HoldfastError, RecordedEvent } from '@holdfast/domain';
import { AT, faultyAppends, ManualClock, MemoryEventStore } from '@holdfast/domain/testing';
import { Heartbeat } from './heartbeat.ts';

const STATE = {
  projectors: [
    {
      name: 'local' as const,
      state: 'running' as const,
      reason: null,
      checkpoint: '0000000000000001',
      pending: 0,
      oldestPendingAt: null,
    },
  ],
  disks: [{ name: 'data', freeBytes: 10, totalBytes: 100 }],
  memoryBytes: 1,
};
const NODE = { node: 'web-1', version: '1.2.3', runtime: 'v24.0.0' };

let store: MemoryEventStore;
let clock: ManualClock;
let troubles: HoldfastError[];
let heartbeat: Heartbeat | null;

beforeEach(() => {
  store = new MemoryEventStore();
  clock = new ManualClock();
  troubles = [];
});

afterEach(async () => {
  await heartbeat?.close();
  await store.close();
});

const start = async (readState = () => STATE, to = faultyAppends(store).store): Promise<void> => {
  heartbeat = new Heartbeat(
    { store: to, clock, readState, onTrouble: (error) => troubles.push(error) },
    NODE,
  );
  await heartbeat.start();
};
const reports = (): Promise<RecordedEvent[]> => store.readStream('node-web-1', { maxCount: 10 });
const until = async (isSo: () => Promise<boolean> | boolean): Promise<void> => {
  const deadline = performance.now() + 5_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('It did not come about.');
    await new Promise((resolve) => setImmediate(resolve));
  }
};
const lastVersion = async () => (await reports()).at(-1)?.version;

describe('the heartbeat', () => {
  it('reports at once, and every five seconds; only the latest report is kept', async () => {
    await start();
    expect(await reports()).toMatchObject([
      { type: 'NodeReported', version: 0, data: { ...NODE, ...STATE, startedAt: AT, intervalSeconds: 5 } },
    ]);
    for (let beat = 1; beat <= 3; beat += 1) {
      clock.advance(5_000);
      await until(async () => (await lastVersion()) === beat);
    }
    expect(await reports()).toHaveLength(1);
    expect((await reports())[0]).toMatchObject({
      metadata: { actor: 'projector:web-1', at: '2026-01-05T08:00:15.000Z' },
    });
    expect(troubles).toEqual([]);
  });

  it('reports within a second that a projector has another state', async () => {
    let state: 'running' | 'waiting' = 'running';
    await start(() => ({ ...STATE, projectors: [{ ...STATE.projectors[0]!, state: state as 'running' }] }));
    clock.advance(1_000);
    state = 'waiting';
    await until(async () => {
      clock.advance(1);
      return (await lastVersion()) === 1;
    });
    expect(clock.now().getTime() - Date.parse(AT)).toBeLessThan(4_000);
    expect((await reports())[0]).toMatchObject({ data: { projectors: [{ state: 'waiting' }] } });
  });

  it('goes on after reports that the log did not take, or that could not be made', async () => {
    const { store: unwilling, failAppend } = faultyAppends(store);
    failAppend({ times: 2 });
    let reads = 0;
    const readState = () => {
      if ((reads += 1) === 3) throw new Error('no such disk');
      return STATE;
    };
    await start(readState, unwilling);
    for (let beat = 1; beat <= 3; beat += 1) {
      const met = troubles.length + ((await lastVersion()) ?? -1);
      clock.advance(5_000);
      await until(async () => troubles.length + ((await lastVersion()) ?? -1) > met);
    }
    expect(troubles.map(({ code }) => code)).toEqual([
      'EVENT_STORE_UNAVAILABLE',
      'EVENT_STORE_UNAVAILABLE',
      'INTERNAL',
    ]);
    expect(await reports()).toHaveLength(1);
  });

  it('falls silent when it is closed', async () => {
    await start();
    await heartbeat?.close();
    clock.advance(60_000);
    expect(await lastVersion()).toBe(0);
  });
});
