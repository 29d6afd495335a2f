import { describe, expect, it } from '@jest/globals';
import { HoldfastError, type ObjectStore } from '@holdfast/domain';
import {
  FaultyObjectStore,
  ManualClock,
  MemoryObjectStore,
  objectStoreContract,
} from '@holdfast/domain/testing';
import { RetryThrottled } from './retry-throttled.ts';

const throttled = (retryAfterMs?: number): HoldfastError =>
  new HoldfastError('OBJECT_STORE_THROTTLED', 'The bucket asks to slow down.', {
    context: retryAfterMs === undefined ? {} : { retryAfterMs },
  });

/** A bucket that can be told to fail, behind the decorator; time passes only when `pass` says so. */
function openThrottled() {
  const clock = new ManualClock();
  const inner = new FaultyObjectStore(new MemoryObjectStore());
  const startedAt = clock.now().getTime();
  return {
    inner,
    clock,
    bucket: new RetryThrottled(inner, { clock, random: () => 0 }),
    elapsedMs: () => clock.now().getTime() - startedAt,
  };
}

/** Lets the time pass in small steps until the call has ended. */
async function settle<T>(clock: ManualClock, call: Promise<T>): Promise<PromiseSettledResult<T>> {
  let result: PromiseSettledResult<T> | null = null;
  void Promise.allSettled([call]).then(([settled]) => {
    result = settled;
  });
  for (let turn = 0; turn < 10_000; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    if (result !== null) return result;
    clock.advance(10);
  }
  throw new Error('The call has not ended.');
}

const head = (bucket: ObjectStore) => bucket.head('a.json');

describe('RetryThrottled', () => {
  objectStoreContract(() => ({
    store: new RetryThrottled(new MemoryObjectStore(), { clock: new ManualClock() }),
  }));
});

describe('RetryThrottled, when the bucket asks to slow down', () => {
  it('makes the call again, twice as long apart each time', async () => {
    const { inner, clock, bucket, elapsedMs } = openThrottled();
    inner.fail('head', { times: 3, error: throttled() });
    expect(await settle(clock, head(bucket))).toEqual({ status: 'fulfilled', value: null });
    expect(elapsedMs()).toBe(50 + 100 + 200);
  });

  it('waits as long as the bucket asks for', async () => {
    const { inner, clock, bucket, elapsedMs } = openThrottled();
    inner.fail('head', { error: throttled(3_000) });
    await settle(clock, head(bucket));
    expect(elapsedMs()).toBe(3_000);
  });

  it("gives up within five seconds, with the bucket's own error", async () => {
    const { inner, clock, bucket, elapsedMs } = openThrottled();
    const error = throttled();
    inner.fail('head', { times: 1_000, error });
    expect(await settle(clock, head(bucket))).toEqual({ status: 'rejected', reason: error });
    expect(elapsedMs()).toBeGreaterThan(3_000);
    expect(elapsedMs()).toBeLessThanOrEqual(5_000);
  });

  it('gives up at once when it is asked for more than that', async () => {
    const { inner, clock, bucket, elapsedMs } = openThrottled();
    inner.fail('head', { error: throttled(60_000) });
    expect(await settle(clock, head(bucket))).toMatchObject({ status: 'rejected' });
    expect(elapsedMs()).toBe(0);
  });

  it('ends its wait when the signal aborts', async () => {
    const { inner, bucket, elapsedMs } = openThrottled();
    const error = throttled();
    inner.fail('head', { times: 1_000, error });
    const abort = new AbortController();
    const call = bucket.head('a.json', { signal: abort.signal });
    abort.abort();
    await expect(call).rejects.toBe(error);
    expect(elapsedMs()).toBe(0);
  });

  it('leaves every other failure to the caller', async () => {
    const { inner, bucket } = openThrottled();
    inner.fail('head', { times: 1 });
    await expect(head(bucket)).rejects.toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
    expect(await head(bucket)).toBeNull();
  });

  it('deletes the throttled keys of a batch again, and no others', async () => {
    const clock = new ManualClock();
    const asked: (readonly string[])[] = [];
    const inner = new MemoryObjectStore();
    const denied = { key: 'c.json', error: new HoldfastError('BUCKET_ACCESS_DENIED', 'No.') };
    const answers = [[{ key: 'a.json', error: throttled() }, denied], []];
    inner.deleteMany = (keys) => {
      asked.push(keys);
      return Promise.resolve(answers.shift() ?? []);
    };
    const bucket = new RetryThrottled(inner, { clock });
    const deleted = await settle(clock, bucket.deleteMany(['a.json', 'b.json', 'c.json']));
    expect(deleted).toEqual({ status: 'fulfilled', value: [denied] });
    expect(asked).toEqual([['a.json', 'b.json', 'c.json'], ['a.json']]);
  });

  it('says which keys of a batch are still throttled when it gives up', async () => {
    const clock = new ManualClock();
    const inner = new MemoryObjectStore();
    const failure = { key: 'a.json', error: throttled() };
    inner.deleteMany = () => Promise.resolve([failure]);
    const bucket = new RetryThrottled(inner, { clock });
    expect(await settle(clock, bucket.deleteMany(['a.json', 'b.json']))).toEqual({
      status: 'fulfilled',
      value: [failure],
    });
  });
});
