import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { systemClock } from '@holdfast/domain';
import { LOG_ID, OTHER_LOG_ID } from '@holdfast/domain/testing';
import { probeCdn } from './probe.ts';
import { type CdnBehaviour, startUnsteadyCdn, type UnsteadyCdn } from './testing/unsteady-cdn.ts';

let cdn: UnsteadyCdn;
beforeEach(async () => {
  cdn = await startUnsteadyCdn(LOG_ID);
});
afterEach(() => cdn.close());

const probeOnce = (options: { logId?: string; timeoutMs?: number } = {}) =>
  probeCdn({
    cdnBaseUrl: cdn.baseUrl,
    logId: LOG_ID,
    clock: systemClock,
    signal: new AbortController().signal,
    timeoutMs: 60_000,
    ...options,
  });
const probe = async (...options: Parameters<typeof probeOnce>) => (await probeOnce(...options)).sample;

/** The event loop hangs, as it does on a machine that swaps. */
const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

it('is good where the object is there, byte for byte', async () => {
  expect(await probe()).toEqual({
    at: expect.any(Date),
    isGood: true,
    outcome: expect.stringMatching(/^good after \d+ ms$/),
  });
});

it('asks with another URL each time, so that no cache answers', async () => {
  await probe();
  await probe();
  expect(new Set(cdn.urls).size).toBe(2);
  for (const url of cdn.urls)
    expect(url).toMatch(/^\/content\/\.holdfast\/probe\.json\?probe=[0-9a-f-]{36}$/);
});

it.each<[CdnBehaviour, string]>([
  ['fails', 'answered 503'],
  ['object lost', 'answered 404'],
  ['wrong bytes', 'answered other bytes'],
  ['cut short', 'answered other bytes'],
  ['much too long', 'answered other bytes'],
])('is bad where the CDN %s', async (behaviour, outcome) => {
  cdn.behave(behaviour);
  expect(await probe()).toMatchObject({ isGood: false, outcome });
});

it.each<CdnBehaviour>(['hangs', 'trickles'])('is bad in time where the CDN %s', async (behaviour) => {
  cdn.behave(behaviour);
  expect(await probe({ timeoutMs: 50 })).toMatchObject({
    isGood: false,
    outcome: 'no whole answer within 50 ms',
  });
});

it.each<CdnBehaviour>(['good', 'hangs'])(
  'is doubtful where this process stood still past the time, while the CDN is %s',
  async (behaviour) => {
    cdn.behave(behaviour);
    const probing = probeOnce({ timeoutMs: 50 });
    await new Promise((resolve) => setImmediate(resolve));
    standStill(1_000);
    expect(await probing).toMatchObject({ isDoubtful: true });
  },
);

it('is bad where another log is served', async () => {
  expect(await probe({ logId: OTHER_LOG_ID })).toMatchObject({
    isGood: false,
    outcome: 'answered other bytes',
  });
});

it('is bad where nobody listens, and says why', async () => {
  await cdn.close();
  expect(await probe()).toMatchObject({ isGood: false, outcome: 'failed: ECONNREFUSED' });
  cdn = await startUnsteadyCdn(LOG_ID);
});
