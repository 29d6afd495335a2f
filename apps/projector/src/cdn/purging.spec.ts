import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HoldfastError } from '@holdfast/domain';
import { AT, deleted, published } from '@holdfast/domain/testing';
import { waitFor } from '@holdfast/testing';
import { CDN, cdnAt, PurgingWorld, replicated, replicatedDelete, turns, urlOf } from './purging-spec.ts';

const A = 'units/a.json';
const B = 'units/b.json';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `many/${index}.json`);

let world: PurgingWorld;

beforeEach(async () => {
  world = await PurgingWorld.open();
});

afterEach(async () => {
  await world.dispose();
});

describe('what is purged', () => {
  it('a first publish, an overwrite and a delete, each once it has been replicated', async () => {
    await world.startAtEnd();
    await world.given(published(A, { is: 'a1' }));
    await turns();
    expect(world.api.calls).toEqual([]);
    await world.given(replicated(A, 0));
    expect(await world.purged(1)).toEqual([urlOf(A)]);
    await world.given(published(A, { is: 'a2' }), replicated(A, 1));
    expect(await world.purged(2)).toEqual([urlOf(A), urlOf(A)]);
    await world.given(deleted(A), replicatedDelete(A, 2));
    expect(await world.purged(3)).toEqual([urlOf(A), urlOf(A), urlOf(A)]);
    expect(world.purging.status()).toEqual({
      state: 'running',
      reason: null,
      pending: 0,
      oldestPendingAt: null,
      refused: 0,
    });
  });

  it('each URL once, in calls of a hundred, with its path encoded', async () => {
    await world.startAtEnd();
    await world.stop();
    const odd = 'units/a b,ж.json';
    await world.given(
      ...many(250).map((at) => replicated(at)),
      replicated(odd),
      replicated(odd, 1),
      replicated(odd, 2),
    );
    await world.start();
    expect(await world.purged(251)).toEqual([...many(250).map(urlOf), `${CDN}/units/a%20b%2C%D0%B6.json`]);
    expect(world.api.calls.map(({ files }) => files)).toEqual([100, 100, 51]);
  });

  it('with versions in URLs, also that of the new version, and of a deleted document those of its versions', async () => {
    const [first, second, again] = [
      published(A, { is: 'a1' }),
      published(A, { is: 'a2' }),
      published(A, { is: 'a3' }),
    ];
    const at = ({ data }: typeof first): string => `${urlOf(A)}?v=${data.sha256.slice(0, 8)}`;
    await world.startAtEnd({ urlVersion: true });
    await world.given(first, replicated(A, 0, { sha256: first.data.sha256 }));
    expect(await world.purged(2)).toEqual([urlOf(A), at(first)]);
    world.api.purged.splice(0);
    await world.given(second, deleted(A), replicatedDelete(A, 2));
    expect(await world.purged(3)).toEqual([urlOf(A), at(second), at(first)]);
    world.api.purged.splice(0);
    await world.given(again, deleted(A), replicatedDelete(A, 4));
    expect(await world.purged(2)).toEqual([urlOf(A), at(again)]);
  });

  it('nothing where no URL of the CDN is known; from then on what is replicated after one is named', async () => {
    await world.startAtEnd({ cdnBaseUrl: null });
    expect(world.purging.status()).toMatchObject({ state: 'off', pending: 0 });
    await world.given(replicated(A));
    await turns();
    await world.given(cdnAt(CDN), replicated(B));
    expect(await world.purged(1)).toEqual([urlOf(B)]);
    expect(world.purging.status().state).toBe('running');
  });

  it('the URL that the mode names rather than the environment’s', async () => {
    await world.given(cdnAt('https://cdn.example.org/other'));
    await world.startAtEnd();
    await world.given(replicated(A));
    expect(await world.purged(1)).toEqual([`https://cdn.example.org/other/${A}`]);
  });

  it('nothing at all without a purger, and the bucket is left alone', async () => {
    await world.start({}, { purger: null });
    await world.given(replicated(A));
    await turns();
    expect(world.purging.status()).toMatchObject({ state: 'off', pending: 0 });
    await world.stop();
    expect(await world.checkpoint()).toBeNull();
  });
});

it('whether anything can be purged is not known before something was, or nothing is left', async () => {
  await world.startAtEnd();
  await world.stop();
  await world.given(replicated(A));
  world.api.fail('error-500', 1);
  const purging = await world.start();
  const states = new Set([purging.status().state]);
  await waitFor('it to be purged', () => {
    if (world.clock.isSlept) world.clock.advance(1_000);
    return states.add(purging.status().state).has('running');
  });
  expect([...states, ...world.api.purged]).toEqual(['starting', 'waiting', 'running', urlOf(A)]);
});

describe('the API’s faults', () => {
  it.each(['error-500', 'page-502', 'black-hole', 'reset', 'truncated', 'answer-lost'] as const)(
    '%s is survived, and everything is purged in the end',
    async (fault) => {
      await world.startAtEnd({}, { timeoutMs: 300 });
      world.api.fail(fault, 1);
      await world.given(...many(3).map((at) => replicated(at)));
      await world.resting('PURGE_UNAVAILABLE');
      expect(world.purging.status()).toMatchObject({ state: 'waiting', oldestPendingAt: AT });
      world.clock.advance(10_000);
      await waitFor('all to be purged', () => new Set(world.api.purged).size === 3);
      await world.purged(3);
      expect(world.purging.status()).toMatchObject({ state: 'running', reason: null });
    },
  );

  it('is asked again after 1 s, 2 s and so on, but at least every 5 minutes', async () => {
    await world.startAtEnd();
    world.api.fail('error-500');
    await world.given(replicated(A));
    const waits = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map((seconds) => seconds * 1_000);
    for (const [index, ms] of waits.entries()) {
      await world.resting('PURGE_UNAVAILABLE');
      world.clock.advance(ms - 1);
      await turns();
      expect(world.api.calls).toHaveLength(index + 1);
      world.clock.advance(1);
    }
    await world.resting('PURGE_UNAVAILABLE');
    world.api.heal();
    world.clock.advance(300_000);
    expect(await world.purged(1)).toEqual([urlOf(A)]);
    // What comes next is not held up by what has passed.
    world.api.fail('error-500', 1);
    await world.given(replicated(B));
    await world.resting('PURGE_UNAVAILABLE');
    world.clock.advance(1_000);
    await world.purged(2);
  });

  it('a rate limit is kept to: nothing is asked before Retry-After, and nothing is purged twice', async () => {
    await world.dispose();
    world = await PurgingWorld.open({ rate: { files: 200, perMs: 10 * MINUTE_MS } });
    await world.startAtEnd();
    await world.stop();
    await world.given(...many(350).map((at) => replicated(at)));
    await world.start();
    // A hundred more, and then fifty, at 200 in ten minutes; and the jitter of a tenth.
    for (const [calls, minutes] of [
      [3, 5],
      [5, 2],
    ] as const) {
      await world.resting('PURGE_THROTTLED');
      expect(world.api.calls).toHaveLength(calls);
      world.clock.advance(minutes * MINUTE_MS);
      await turns();
      expect(world.api.calls).toHaveLength(calls);
      world.clock.advance(minutes * MINUTE_MS * 0.1);
    }
    expect(await world.purged(350)).toEqual(many(350).map(urlOf));
  });

  it('whatever got something done is followed by a short wait again', async () => {
    await world.dispose();
    world = await PurgingWorld.open({ rate: { files: 100, perMs: 1 } });
    await world.startAtEnd();
    await world.stop();
    await world.given(...many(150).map((at) => replicated(at)));
    world.api.fail('error-500', 5);
    await world.start();
    for (const seconds of [1, 2, 4, 8, 16]) {
      await world.resting('PURGE_UNAVAILABLE');
      world.clock.advance(seconds * 1_000);
    }
    await world.resting('PURGE_THROTTLED');
    expect(world.purging.status().pending).toBe(50);
    world.clock.advance(1_100);
    await world.purged(150);
  });

  it('an API that is away for hours costs nothing but time: what waits is in the log', async () => {
    await world.startAtEnd();
    await world.api.goAway();
    for (let hour = 0; hour < 6; hour += 1) {
      await world.given(...many(400).map((at) => replicated(`${hour}/${at}`)));
      await world.resting('PURGE_UNAVAILABLE');
      for (let step = 0; step < 12; step += 1) {
        world.clock.advance(5 * MINUTE_MS);
        await world.resting('PURGE_UNAVAILABLE');
      }
      expect(world.purging.status().pending).toBeLessThanOrEqual(1_000);
    }
    expect(world.purging.status()).toMatchObject({ state: 'waiting', oldestPendingAt: AT });
    expect(world.logged.filter((message) => message.startsWith('Purging waits'))).toHaveLength(1);
    await world.api.comeBack();
    world.clock.advance(HOUR_MS);
    await world.purged(2_400);
    expect(new Set(world.api.purged).size).toBe(2_400);
    expect(world.logged.at(-1)).toBe('Purging goes on.');
  });

  it('a token that is refused is told once, and purging goes on when it is mended', async () => {
    await world.startAtEnd();
    world.api.mayPurge = false;
    await world.given(replicated(A), replicated(B));
    for (let call = 1; call <= 5; call += 1) {
      await world.resting('PURGE_DENIED');
      expect(world.api.calls).toHaveLength(call);
      world.clock.advance(5 * MINUTE_MS);
    }
    await world.resting('PURGE_DENIED');
    expect(world.logged.filter((message) => message.includes('HOLDFAST_CLOUDFLARE_API_TOKEN'))).toHaveLength(
      1,
    );
    world.api.mayPurge = true;
    world.clock.advance(5 * MINUTE_MS);
    await waitFor('all to be purged', () => new Set(world.api.purged).size === 2);
  });
});

it('a log that does not answer for a moment costs nothing', async () => {
  const read = world.log.readStream.bind(world.log);
  let failures = 2;
  const first = published(A, { is: 'a1' });
  await world.startAtEnd({ urlVersion: true });
  world.log.readStream = (...args) => {
    failures -= 1;
    return failures >= 0
      ? Promise.reject(new HoldfastError('EVENT_STORE_UNAVAILABLE', 'The log is away.'))
      : read(...args);
  };
  await world.given(first, deleted(A), replicatedDelete(A, 1));
  await world.resting('EVENT_STORE_UNAVAILABLE');
  world.clock.advance(MINUTE_MS);
  await world.resting('EVENT_STORE_UNAVAILABLE');
  world.clock.advance(MINUTE_MS);
  expect(await world.purged(2)).toEqual([urlOf(A), `${urlOf(A)}?v=${first.data.sha256.slice(0, 8)}`]);
});
