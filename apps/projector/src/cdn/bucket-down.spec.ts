import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { alertStream, HoldfastError, type ObjectStore } from '@holdfast/domain';
import { deleted, MemoryObjectStore } from '@holdfast/domain/testing';
import { CdnWorld, modeChanged, published, until } from './cdn-spec.ts';

const A = 'units/a.json';
const MINUTE_MS = 60_000;
const DENIED = new HoldfastError('BUCKET_ACCESS_DENIED', 'The bucket refuses the key.');

let world: CdnWorld;

beforeEach(() => {
  world = new CdnWorld();
});

afterEach(async () => {
  await world.dispose();
});

const alerts = async (): Promise<string[]> => {
  const events = await world.log.readStream(alertStream('CDN_UNREACHABLE', '-'), { maxCount: 100 });
  return events.map(({ type }) => type);
};

const down = (): void => {
  for (const method of ['put', 'get', 'head', 'deleteMany'] as const)
    world.bucket.fail(method, { times: Infinity });
};

const isWaiting = (): boolean => world.projector.status().state === 'waiting';

describe('a bucket that is down', () => {
  it('costs two hundred documents no attempt, is told once, and the queue goes when it is back', async () => {
    await world.start({ concurrency: 32 });
    await world.settled();
    down();
    const paths = Array.from({ length: 200 }, (_, index) => `units/${index}.json`);
    await world.given(...paths.map((at) => published(at, at)));
    await until('the breaker to open', isWaiting);
    for (let hours = 0; hours < 3 * 60; hours += 1) world.clock.advance(MINUTE_MS);
    await until('the alert', async () => (await alerts()).length > 0);
    expect(world.projector.status()).toMatchObject({ state: 'waiting', pending: 200 });
    expect(world.catalog.replicationCounts()).toMatchObject({ queued: 200, failed: 0, 'dead-letter': 0 });
    expect(await alerts()).toEqual(['AlertRaised']);

    world.heal();
    await until('the queue to be empty', () => {
      world.clock.advance(1_000);
      return world.projector.status().pending === 0;
    });
    expect(Object.keys(await world.objects())).toHaveLength(200);
    expect(await world.outcomes(paths[0]!)).toEqual(['put of version 0, attempt 1']);
    await until('the alert to end', async () => (await alerts()).length > 1);
    expect(await alerts()).toEqual(['AlertRaised', 'AlertCleared']);
  });

  it('is an alert once it has been down for fifteen seconds, which come and go unnoticed before', async () => {
    await (await world.start()).settled();
    const pass = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        world.clock.advance(1_000);
        for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    for (let round = 0; round < 5; round += 1) {
      down();
      await world.given(published(A, `a${round}`));
      await until('the breaker to open', isWaiting);
      await pass(4);
      world.heal();
      await until('the bucket to be back', () => {
        world.clock.advance(1_000);
        return !isWaiting();
      });
      await world.settled();
    }
    expect(await alerts()).toEqual([]);
    down();
    await world.given(published(A, 'b'));
    await until('the breaker to open', isWaiting);
    await pass(14);
    expect(await alerts()).toEqual([]);
    await pass(6);
    await until('the alert', async () => (await alerts()).length > 0);
    world.heal();
    await until('the alert to end', async () => {
      world.clock.advance(1_000);
      return (await alerts()).length > 1;
    });
    expect(await alerts()).toEqual(['AlertRaised', 'AlertCleared']);
  });

  it('is no alert while the CDN is disabled, and one as soon as it is enabled', async () => {
    await world.given(modeChanged({ cdnEnabled: false }), published(A, 'a1'));
    down();
    await world.start();
    await until('the breaker to open', () => world.logged.some((line) => line.includes('Replication waits')));
    for (let minutes = 0; minutes < 100; minutes += 1) {
      world.clock.advance(MINUTE_MS);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([world.projector.status().state, await alerts()]).toEqual(['paused', []]);
    await world.given(modeChanged({ cdnEnabled: true }));
    await until('the alert', async () => (await alerts()).length > 0);
    expect(await alerts()).toEqual(['AlertRaised']);
  });

  it('is asked less and less often, and no longer than half a minute apart', async () => {
    await (await world.start()).settled();
    down();
    const asked: number[] = [];
    const get = jest.spyOn(world.bucket, 'get').mockImplementation(() => {
      asked.push(world.clock.now().getTime());
      return Promise.reject(new HoldfastError('OBJECT_STORE_UNAVAILABLE', 'No answer.'));
    });
    await world.given(published(A, 'a'));
    await until('the breaker to open', isWaiting);
    for (let seconds = 0; seconds < 180; seconds += 1) {
      world.clock.advance(1_000);
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    get.mockRestore();
    const waits = asked.slice(1).map((at, index) => (at - asked[index]!) / 1_000);
    expect(waits.slice(0, 6)).toEqual([1, 2, 4, 8, 16, 30]);
    expect(Math.max(...waits)).toBe(30);
  });

  it.each(['OBJECT_REJECTED', 'HASH_MISMATCH', 'INTERNAL'] as const)(
    'of which everything fails with %s makes no dead letter',
    async (code) => {
      await (await (await world.given(published(A, 'a'))).start()).settled();
      const error = new HoldfastError(code, 'Nothing gets through.');
      for (const method of ['put', 'get', 'head', 'deleteMany'] as const)
        world.bucket.fail(method, { times: Infinity, error });
      await world.given(...Array.from({ length: 50 }, (_, index) => published(`units/${index}.json`, 'x')));
      await until('the breaker to open', isWaiting);
      expect(world.catalog.replicationCounts()).toMatchObject({ queued: 50, failed: 0, 'dead-letter': 0 });
      world.heal();
      world.clock.advance(1_000);
      await world.settled();
      expect(await world.outcomes('units/7.json')).toEqual(['put of version 0, attempt 1']);
    },
  );

  it('of which something else is wrong by now says so', async () => {
    await (await (await world.given(published(A, 'a'))).start()).settled();
    down();
    await world.given(published(A, 'b'));
    await until('the breaker to open', isWaiting);
    world.heal();
    world.bucket.fail('get', { times: Infinity, error: DENIED });
    world.clock.advance(1_000);
    await until('the other reason', () => world.projector.status().reason?.includes(DENIED.code) === true);
    expect(world.logged.filter((line) => line.startsWith('Replication waits for the bucket: '))).toEqual([
      expect.not.stringContaining(DENIED.message),
      expect.stringContaining(DENIED.message),
    ]);
  });

  it('with a wrong key is said, and mended without a restart', async () => {
    for (const method of ['put', 'get', 'head'] as const)
      world.bucket.fail(method, { times: Infinity, error: DENIED });
    await world.given(published(A, 'a'));
    await world.start();
    await until('the breaker to open', isWaiting);
    expect(world.projector.status().reason).toBe('BUCKET_ACCESS_DENIED: The bucket refuses the key.');
    world.heal();
    world.clock.advance(1_000);
    await world.settled();
    expect(await world.objects()).toEqual({ [A]: 'a' });
    expect(await world.outcomes(A)).toEqual(['put of version 0, attempt 1']);
  });

  it('that was down at the last stop is told to be back after the next start', async () => {
    await (await world.start()).settled();
    down();
    await world.given(published(A, 'a'));
    await until('the alert', async () => {
      world.clock.advance(1_000);
      return (await alerts()).length === 1;
    });
    await world.stop();
    world.heal();
    await (await world.start()).settled();
    await until('the alert to end', async () => (await alerts()).length === 2);
    expect(await alerts()).toEqual(['AlertRaised', 'AlertCleared']);
  });

  it('is no trouble while the mode has paused replication', async () => {
    await (await world.start()).settled();
    await world.given(modeChanged({ cdnEnabled: false }));
    await until('the pause', () => world.projector.status().state === 'paused');
    down();
    await world.given(published(A, 'a'));
    await world.catalog.caughtUp();
    world.clock.advance(MINUTE_MS);
    expect(world.projector.status()).toMatchObject({ state: 'paused', pending: 1 });
    expect(await alerts()).toEqual([]);
  });

  it('lets go at once when the projector is stopped', async () => {
    down();
    await world.given(published(A, 'a'));
    await world.start();
    await until('the breaker to open', isWaiting);
    await world.stop();
  });
});

describe('one object that fails', () => {
  it('while the bucket works uses up its own attempts only', async () => {
    world.bucket.fail('put', { key: A, times: Infinity, error: DENIED });
    await world.given(published(A, 'a'), published('b.json', 'b'));
    await world.start();
    await world.recorded(A, 1);
    await until('the other', async () => (await world.objects())['b.json'] === 'b');
    expect(await world.outcomes(A)).toEqual(['failed put of version 0, attempt 1']);
    expect(world.projector.status().state).toBe('running');
    expect(await alerts()).toEqual([]);
  });

  it('waits up to a tenth longer than the schedule says, so that many do not come back together', async () => {
    world.bucket.fail('put', { key: A, times: Infinity });
    await world.given(published(A, 'a'));
    await world.start({ random: () => 0.5 });
    await world.recorded(A, 1);
    const waitMs = world.catalog.nextReplicationAt()!.getTime() - world.clock.now().getTime();
    expect(waitMs).toBe(30_000 * 1.05);
  });
});

describe('a bucket that nobody has claimed but somebody has filled', () => {
  const fill = async (...texts: readonly [string, string][]): Promise<void> => {
    for (const [at, text] of texts) {
      const { data, body } = published(at, text);
      const { md5, contentType } = data;
      await world.memory.put(at, body, { md5, contentType, cacheControl: null, metadata: {} });
    }
  };

  it('is listed once, and what is equal is not sent again', async () => {
    const paths = ['a-b.json', 'a.json', 'a/b.json', 'ä.json', '𝒜.json'];
    await fill(...paths.map((at): [string, string] => [at, at]), ['stranger.json', 'not in the log']);
    await fill(['a.json', 'another text']);
    await world.given(
      ...paths.map((at) => published(at, at)),
      published('gone.json', 'x'),
      deleted('gone.json'),
    );
    const put = jest.spyOn(world.memory, 'put');
    const list = jest.spyOn(world.memory, 'list');
    await (await world.start()).settled();
    const sent = put.mock.calls.map(([key]) => key).filter((key) => !key.startsWith('.'));
    expect(new Set(sent)).toEqual(new Set(['a.json']));
    expect(list).toHaveBeenCalledTimes(1);
    expect(await world.objects()).toMatchObject(Object.fromEntries(paths.map((at) => [at, at])));
    expect(await world.outcomes('ä.json')).toEqual(['put of version 0, attempt 1']);
    expect(world.catalog.document('ä.json')?.onCdn).toMatchObject({ version: 0 });
  });

  it('is not listed again by the next start', async () => {
    await (await (await world.given(published(A, 'a'))).start()).settled();
    await world.stop();
    const list = jest.spyOn(world.memory, 'list');
    await (await world.start()).settled();
    expect(list).not.toHaveBeenCalled();
  });

  it('is sent again where its listing does not tell what is in an object', async () => {
    const blind = new CdnWorld((inner) =>
      Object.assign(Object.create(inner) as ObjectStore, {
        capabilities: () => Promise.resolve({ etagIsMd5: false, putIfNone: false, putIfMatch: false }),
        put: (...args: Parameters<ObjectStore['put']>) => inner.put(...args),
        get: (...args: Parameters<ObjectStore['get']>) => inner.get(...args),
        head: (...args: Parameters<ObjectStore['head']>) => inner.head(...args),
        settleMs: 0,
      }),
    );
    const put = jest.spyOn(blind.memory, 'put');
    await blind.given(published(A, 'a'));
    await (await blind.start()).settled();
    await blind.dispose();
    expect(put.mock.calls.filter(([key]) => key === A)).toHaveLength(1);
    expect(blind.memory).toBeInstanceOf(MemoryObjectStore);
  });
});

describe('two projectors at once, by accident', () => {
  it('end at the newest version where puts have conditions, and neither puts an older one over a newer', async () => {
    const other = new CdnWorld(undefined, world);
    await world.start({ concurrency: 8 });
    await other.start({ concurrency: 8 });
    const paths = Array.from({ length: 10 }, (_, index) => `units/${index}.json`);
    for (let round = 0; round < 20; round += 1) {
      await world.given(...paths.map((at) => published(at, `${at} ${round}`)));
    }
    await world.settled();
    await other.settled();
    await until('both to have ended', () =>
      [world, other].every((one) => one.projector.status().pending === 0),
    );
    await other.dispose();
    expect(await world.objects()).toEqual(Object.fromEntries(paths.map((at) => [at, `${at} 19`])));
  });
});
