import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HoldfastError, type ObjectStore, type PutOptions } from '@holdfast/domain';
import { AT, LOG_ID, OTHER_LOG_ID, published } from '@holdfast/domain/testing';
import { waitFor } from '@holdfast/testing';
import { PURGED_KEY } from './purge-checkpoint.ts';
import { PurgingWorld, replicated, turns, urlOf } from './purging-spec.ts';

const A = 'units/a.json';
const B = 'units/b.json';
const MINUTE_MS = 60_000;

let world: PurgingWorld;

beforeEach(async () => {
  world = await PurgingWorld.open();
});

afterEach(async () => {
  await world.dispose();
});

describe('the checkpoint', () => {
  it('begins at the log’s head where the bucket has none, and is saved at once', async () => {
    await world.given(replicated(A));
    await world.startAtEnd();
    expect(await world.checkpoint()).toEqual({ logId: LOG_ID, position: await world.log.head() });
    await world.given(replicated(B));
    expect(await world.purged(1)).toEqual([urlOf(B)]);
  });

  it.each([
    ['cannot be read', 'rubbish'],
    ['is of another log', JSON.stringify({ logId: OTHER_LOG_ID, position: '0000000000000001' })],
    ['is past the end of the log', JSON.stringify({ logId: LOG_ID, position: '9'.repeat(16) })],
  ])('begins at the log’s head where it %s', async (_, text) => {
    await world.bucket.put(PURGED_KEY, Buffer.from(text), putOptions(text));
    await world.given(replicated(A));
    const head = await world.log.head();
    await world.start();
    await waitFor('the checkpoint', async () => JSON.stringify(await world.checkpoint()).includes(head));
    await world.given(replicated(B));
    expect(await world.purged(1)).toEqual([urlOf(B)]);
  });

  it('a restart forgets nothing: what was replicated meanwhile, and what was waiting', async () => {
    await world.startAtEnd();
    await world.given(replicated(A));
    await world.purged(1);
    await world.api.goAway();
    await world.given(replicated(B));
    await world.resting('PURGE_UNAVAILABLE');
    await world.stop();
    await world.given(replicated('units/c.json'));
    await world.api.comeBack();
    await world.start();
    expect(await world.purged(3)).toEqual([urlOf(A), urlOf(B), urlOf('units/c.json')]);
  });

  it('a process that is killed purges again what it had not saved', async () => {
    const killed: Pick<ObjectStore, 'get' | 'put'> = {
      get: (...args) => world.bucket.get(...args),
      put: async (...args) =>
        (await world.checkpoint()) === null
          ? world.bucket.put(...args)
          : Promise.reject(new HoldfastError('OBJECT_STORE_UNAVAILABLE', 'The bucket is away.')),
    };
    await world.startAtEnd({}, { bucket: killed });
    await world.given(replicated(A), replicated(B));
    await waitFor('both', () => new Set(world.api.purged).size === 2);
    await world.stop();
    world.api.purged.splice(0);
    await world.start();
    expect(await world.purged(2)).toEqual([urlOf(A), urlOf(B)]);
  });

  it('is saved at most every 5 s while something is purged, and when it ends', async () => {
    const saves: number[] = [];
    const counting: Pick<ObjectStore, 'get' | 'put'> = {
      get: (...args) => world.bucket.get(...args),
      put: (...args) => {
        saves.push(world.clock.now().getTime() - Date.parse(AT));
        return world.bucket.put(...args);
      },
    };
    await world.startAtEnd({}, { bucket: counting });
    for (let second = 1; second <= 12; second += 1) {
      await world.given(replicated(`${second}.json`));
      await world.purged(second);
      await turns();
      world.clock.advance(1_000);
      await turns();
    }
    expect(saves).toEqual([0, 5_000, 10_000]);
    // Nothing is purged, so nothing is saved.
    await world.given(published(A));
    world.clock.advance(MINUTE_MS);
    await waitFor('the rest to be saved', () => saves.length === 4);
    await world.given(published(B));
    world.clock.advance(MINUTE_MS);
    await turns();
    expect(saves).toHaveLength(4);
    await world.given(replicated(A));
    await world.purged(13);
    await world.stop();
    expect(await world.checkpoint()).toEqual({ logId: LOG_ID, position: await world.log.head() });
  });

  it('waits for a bucket that does not answer at the start, rather than beginning at the head', async () => {
    await world.startAtEnd();
    await world.stop();
    await world.given(replicated(A));
    let isAway = true;
    const away: Pick<ObjectStore, 'get' | 'put'> = {
      get: (...args) =>
        isAway
          ? Promise.reject(new HoldfastError('OBJECT_STORE_UNAVAILABLE', 'The bucket is away.'))
          : world.bucket.get(...args),
      put: (...args) => world.bucket.put(...args),
    };
    await world.start({}, { bucket: away });
    await world.resting('OBJECT_STORE_UNAVAILABLE');
    isAway = false;
    world.clock.advance(1_000);
    expect(await world.purged(1)).toEqual([urlOf(A)]);
  });

  it.each(['get', 'put'] as const)(
    'leaves nothing out that is replicated before the first %s of it succeeds',
    async (method) => {
      let isAway = true;
      const failing = (): Promise<never> =>
        Promise.reject(new HoldfastError('BUCKET_ACCESS_DENIED', 'Not for this object.'));
      const away: Pick<ObjectStore, 'get' | 'put'> = {
        get: (...args) => (isAway && method === 'get' ? failing() : world.bucket.get(...args)),
        put: (...args) => (isAway && method === 'put' ? failing() : world.bucket.put(...args)),
      };
      await world.start({}, { bucket: away });
      await world.resting('BUCKET_ACCESS_DENIED');
      await world.given(replicated(A));
      isAway = false;
      world.clock.advance(1_000);
      expect(await world.purged(1)).toEqual([urlOf(A)]);
    },
  );
});

describe('closing', () => {
  it('ends at once while the API does not answer, and purges again after the next start', async () => {
    await world.startAtEnd();
    world.api.fail('black-hole', 1);
    await world.given(replicated(A));
    await world.called(1);
    await world.stop();
    await world.start();
    expect(await world.purged(1)).toEqual([urlOf(A)]);
  });

  it('ends at once while it waits', async () => {
    await world.startAtEnd();
    world.api.fail('error-500');
    await world.given(replicated(A));
    await world.resting('PURGE_UNAVAILABLE');
    await world.stop();
    expect(world.api.calls).toHaveLength(1);
  });

  it('waits two seconds at most for a bucket that does not answer', async () => {
    let isSilent = false;
    const silent: Pick<ObjectStore, 'get' | 'put'> = {
      get: (...args) => world.bucket.get(...args),
      put: (...args) => (isSilent ? new Promise(() => undefined) : world.bucket.put(...args)),
    };
    const purging = await world.startAtEnd({}, { bucket: silent });
    isSilent = true;
    await world.given(replicated(A));
    await world.purged(1);
    await turns();
    let isClosed = false;
    void purging.close().then(() => {
      isClosed = true;
    });
    await turns();
    expect(isClosed).toBe(false);
    await waitFor('the end', () => {
      world.clock.advance(2_000);
      return isClosed;
    });
  });
});

const putOptions = (text: string): PutOptions => ({
  contentType: 'application/json',
  cacheControl: null,
  md5: createHash('md5').update(text).digest('hex'),
  metadata: {},
});
