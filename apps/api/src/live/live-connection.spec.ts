import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EventStore, HoldfastError } from '@holdfast/domain';
import { ManualClock, MemoryEventStore, published, record } from '@holdfast/domain/testing';
import { tellLive } from './live-connection.ts';

let store: MemoryEventStore;
let clock: ManualClock;
/** By how much the clock on the wall was set back. */
let setBackMs: number;
let stop: AbortController;
let out: PassThrough;
let telling: Promise<void>;
let troubles: HoldfastError[];

beforeEach(() => {
  store = new MemoryEventStore();
  clock = new ManualClock();
  setBackMs = 0;
  stop = new AbortController();
  out = new PassThrough({ highWaterMark: 1_024 });
  troubles = [];
});

afterEach(async () => {
  stop.abort();
  await telling;
  await store.close();
});

function tell(
  from: EventStore = store,
  readState = () => Promise.resolve({ health: { status: 'ok' } }),
): void {
  const onTrouble = (error: HoldfastError) => {
    troubles.push(error);
  };
  telling = tellLive(out, {
    store: from,
    clock: {
      now: () => new Date(clock.now().getTime() - setBackMs),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    },
    readState,
    onTrouble,
    queuedAt: () => null,
    after: null,
    signal: stop.signal,
  });
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`Waited for ${what}.`);
    await setImmediate();
  }
}

const publishMany = (count: number) =>
  record(store, ...Array.from({ length: count }, (_, index) => published(`units/${index}.json`)));

describe('a live view', () => {
  it('whose client takes nothing is read no further, and is ended after a minute', async () => {
    let reads = 0;
    const counting = new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (name !== 'subscribe')
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        return async function* (...args: Parameters<EventStore['subscribe']>) {
          for await (const page of target.subscribe(...args)) {
            reads += 1;
            yield page;
          }
        };
      },
    });
    let round = 0;
    tell(counting, () =>
      Promise.resolve({ health: { status: 'ok', padding: 'x'.repeat(2_000), round: (round += 1) } }),
    );
    await until('it to wait for the client', () => out.writableNeedDrain);
    await publishMany(2_000);
    for (let turn = 0; turn < 200; turn += 1) await setImmediate();
    expect(reads).toBeLessThanOrEqual(1);
    expect(out.writableLength + out.readableLength).toBeLessThan(10_000);
    clock.advance(60_000);
    await until('it to be ended', () => out.destroyed);
  });

  it('says now and then that it is alive, and what is the same only once', async () => {
    let text = '';
    out.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    tell();
    await until('the start', () => text.includes('event: hello'));
    for (let second = 0; second < 35; second += 1) {
      clock.advance(1_000);
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    }
    await until('two signs of life', () => text.split(': still here').length === 3);
    expect(text.split('event: health')).toHaveLength(2);
  });

  it('says that it is alive also when the clock was set back', async () => {
    let text = '';
    out.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    tell();
    await until('the start', () => text.includes('event: hello'));
    setBackMs = 3_600_000;
    for (let second = 0; second < 35; second += 1) {
      clock.advance(1_000);
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    }
    await until('signs of life', () => text.split(': still here').length >= 3);
  });

  it('tells how everything is while the log is away, and goes on when it is back', async () => {
    let isAway = true;
    const unwilling = new Proxy(store, {
      get: (target, name) => {
        if (name === 'head' && isAway) return () => Promise.reject(new Error('away'));
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
    let text = '';
    out.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    tell(unwilling);
    await until('the state', () => text.includes('event: health') && troubles.length > 0);
    isAway = false;
    clock.advance(1_000);
    await until('the start', () => text.includes('event: hello'));
    await publishMany(1);
    await until('the publish', () => text.includes('"published":1'));
  });
});
