import { beforeEach, describe, expect, it } from '@jest/globals';
import { AT, LOG_ID, MemoryObjectStore, OTHER_LOG_ID } from '@holdfast/domain/testing';
import { BucketIdentity } from './bucket-identity.ts';

const HOUR_MS = 60 * 60_000;

let bucket: MemoryObjectStore;
let now: number;

beforeEach(() => {
  bucket = new MemoryObjectStore();
  now = Date.parse(AT);
});

const identityOf = (logId: string, onUnclaimed: () => Promise<void> = () => Promise.resolve()) =>
  new BucketIdentity(bucket, {
    logId,
    clock: { now: () => new Date(now), sleep: () => Promise.resolve() },
    signal: new AbortController().signal,
    onUnclaimed,
  });

describe('a bucket that is claimed', () => {
  it('is asked again, also when the clock was set back meanwhile', async () => {
    const identity = identityOf(LOG_ID);
    await identity.claim();
    await bucket.deleteMany(['.holdfast/probe.json']);
    await identityOf(OTHER_LOG_ID).claim();
    now -= HOUR_MS;
    await expect(identity.claim()).rejects.toMatchObject({ code: 'LOG_MISMATCH' });
  });

  it('is prepared once, though a probe finds it unclaimed meanwhile', async () => {
    let prepared = 0;
    const done = Promise.withResolvers<void>();
    const identity = identityOf(LOG_ID, () => {
      prepared += 1;
      return done.promise;
    });
    const claimed = identity.claim();
    const proved = identity.prove();
    while (prepared === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    done.resolve();
    await Promise.all([claimed, proved]);
    expect(prepared).toBe(1);
  });
});
