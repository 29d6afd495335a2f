import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { HoldfastError, type ObjectStore, sha256Of } from '@holdfast/domain';
import { deleted, LOG_ID, MemoryObjectStore, OTHER_LOG_ID } from '@holdfast/domain/testing';
import { CdnWorld, modeChanged, published, retryRequested, until } from './cdn-spec.ts';

const A = 'units/a.json';
const B = 'units/b.json';
const MINUTE_MS = 60_000;

let world: CdnWorld;

beforeEach(() => {
  world = new CdnWorld();
});

afterEach(async () => {
  await world.dispose();
});

describe('replicating', () => {
  it.each([1, 2])(
    'brings the bucket to the newest version of every path (started %i times)',
    async (starts) => {
      await world.given(
        published(A, 'a1'),
        published(B, 'b1'),
        published(A, 'a2'),
        deleted(B),
        published('c.json', 'c1'),
      );
      for (let start = 0; start < starts; start += 1) {
        await (await world.start()).settled();
        await world.stop();
      }
      expect(await world.objects()).toEqual({ [A]: 'a2', 'c.json': 'c1' });
      expect(await world.outcomes(A)).toEqual(['put of version 1, attempt 1']);
      expect(await world.outcomes(B)).toEqual(['delete of version 1, attempt 1']);
    },
  );

  it('FR-021 sends the bytes of the local file with its hashes, headers and the identity of the log', async () => {
    const event = published(A, 'é');
    await (await (await world.given(event)).start()).settled();
    expect(await world.bucket.head(A)).toEqual({
      key: A,
      bytes: 4,
      etag: event.data.md5,
      contentType: 'application/json',
      cacheControl: 'public, max-age=60',
      metadata: { sha256: event.data.sha256, version: '0', 'holdfast-log': LOG_ID },
    });
  });

  it('FR-022 FR-023 records hash, ETag, attempt and duration, caused by the event of the version', async () => {
    const event = published(A, 'a1');
    await (await (await world.given(event)).start()).settled();
    expect(await world.lastOutcome(A)).toMatchObject({
      type: 'ContentReplicated',
      data: {
        path: A,
        version: 0,
        action: 'put',
        sha256: event.data.sha256,
        etag: event.data.md5,
        attempt: 1,
        durationMs: 0,
      },
      metadata: { correlationId: 'request-1', causationId: event.id, actor: 'projector:web-1' },
    });
    expect(world.catalog.document(A)?.onCdn).toMatchObject({ version: 0, sha256: event.data.sha256 });
  });

  it('goes on with what is published and deleted while it runs', async () => {
    await world.start();
    await world.given(published(A, 'a1'));
    await world.settled();
    await world.given(published(A, 'a2'), published(B, 'b1'));
    await world.settled();
    expect(await world.objects()).toEqual({ [A]: 'a2', [B]: 'b1' });
    await world.given(deleted(A));
    await world.settled();
    expect(await world.objects()).toEqual({ [B]: 'b1' });
  });

  it('deletes many documents in few calls', async () => {
    const paths = Array.from({ length: 300 }, (_, index) => `old/${index}.json`);
    await world.given(...paths.map((at) => published(at, at)));
    await (await world.start()).settled();
    await world.stop();
    await world.given(...paths.map((at) => deleted(at)));
    // More calls than these would go through.
    world.bucket.fail('deleteMany', { after: 4, times: 1_000 });
    await (await world.start()).settled();
    expect(await world.objects()).toEqual({});
  });

  it('has at most so many puts under way at a time, and one of each path', async () => {
    let [underWay, most] = [0, 0];
    const paths = new Set<string>();
    const counting = (inner: ObjectStore): ObjectStore =>
      new Proxy(inner, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          if (name !== 'put') return member.bind(target) as unknown;
          return async (...args: Parameters<ObjectStore['put']>) => {
            expect(paths).not.toContain(args[0]);
            paths.add(args[0]);
            most = Math.max(most, (underWay += 1));
            const stored = await target.put(...args);
            underWay -= 1;
            paths.delete(args[0]);
            return stored;
          };
        },
      });
    const counted = new CdnWorld(counting);
    const events = Array.from({ length: 60 }, (_, index) => published(`${index % 20}.json`, `text ${index}`));
    await counted.start({ concurrency: 7 });
    await counted.given(...events);
    await counted.settled();
    expect(Object.keys(await counted.objects())).toHaveLength(20);
    expect(most).toBeLessThanOrEqual(7);
    expect(most).toBeGreaterThan(1);
    await counted.dispose();
  });
});

describe('the local file', () => {
  it('is waited for, which is no failure', async () => {
    world.disk.isHeld = true;
    await world.start();
    await world.given(published(A, 'a1'));
    await until('the event to be known', async () => world.isKnown(await world.log.head()));
    expect(await world.objects()).toEqual({});
    await world.releaseDisk();
    await world.settled();
    expect(await world.outcomes(A)).toEqual(['put of version 0, attempt 1']);
  });

  it('holds up no other path while it is missing', async () => {
    await world.start({ concurrency: 1 });
    world.disk.isHeld = true;
    await world.given(...Array.from({ length: 1_100 }, (_, index) => published(`held/${index}.json`, 'x')));
    world.disk.isHeld = false;
    world.clock.advance(10_000);
    await world.given(published(A, 'a1'));
    await world.recorded(A, 1);
    expect(await world.objects()).toMatchObject({ [A]: 'a1' });
  });

  it('FR-022 is refused when its hash is not the version’s, and goes when it is mended', async () => {
    await world.given(published(A, 'a1'));
    world.disk.tamper(A, 'tampered');
    await world.start();
    await world.recorded(A, 1);
    expect(await world.lastOutcome(A)).toMatchObject({
      type: 'ReplicationFailed',
      data: { error: { code: 'HASH_MISMATCH' } },
    });
    expect(await world.objects()).toEqual({});
    world.disk.tamper(A, 'a1');
    world.clock.advance(30_000);
    await world.settled();
    expect(await world.objects()).toEqual({ [A]: 'a1' });
    expect(await world.outcomes(A)).toEqual([
      'failed put of version 0, attempt 1',
      'put of version 0, attempt 2',
    ]);
  });

  it('fails the attempt when it is gone', async () => {
    await world.given(published(A, 'a1'));
    world.disk.tamper(A, null);
    await world.start();
    await world.recorded(A, 1);
    expect(await world.lastOutcome(A)).toMatchObject({ data: { error: { code: 'LOCAL_FILE_NOT_READY' } } });
  });

  it('of a newer version than this process knows of is left to that version', async () => {
    await world.given(published(A, 'a1'));
    await world.start();
    await world.settled();
    world.disk.isHeld = true;
    // The file shows the next version already, its index not yet.
    world.disk.tamper(A, 'a2');
    await world.given(retryRequested(A, 0), published(A, 'a2'));
    await world.releaseDisk();
    await world.settled();
    expect(await world.objects()).toEqual({ [A]: 'a2' });
    expect(await world.outcomes(A)).not.toContainEqual(expect.stringContaining('failed'));
  });
});

describe('a failing bucket', () => {
  it('FR-024 is tried again after 30 s, 1, 2, 5 and three times 15 minutes, and then given up on', async () => {
    world.bucket.fail('put', { key: A, times: 100 });
    await world.given(published(A, 'a1'));
    await world.start();
    const begun = world.clock.now().getTime();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      await world.recorded(A, attempt);
      waits.push(world.clock.now().getTime() - begun);
      const next = world.catalog.nextReplicationAt();
      if (next !== null) world.clock.advanceTo(next);
    }
    expect(waits.map((ms) => ms / MINUTE_MS)).toEqual([0, 0.5, 1.5, 3.5, 8.5, 23.5, 38.5, 53.5]);
    expect((await world.outcomes(A)).slice(-2)).toEqual([
      'failed put of version 0, attempt 7',
      'dead letter after 8',
    ]);
    expect(world.catalog.replicationCounts()).toMatchObject({ 'dead-letter': 1, failed: 0, queued: 0 });
    expect(world.logged.join('\n')).toContain(`Gave up on replicating ${A}`);

    world.bucket.heal();
    await world.given(retryRequested(A, 0));
    await world.settled();
    expect((await world.outcomes(A)).slice(-2)).toEqual(['retry requested', 'put of version 0, attempt 1']);
    expect(await world.objects()).toEqual({ [A]: 'a1' });
  });

  it('FR-025 loses nothing, and says what is wrong until it is well again', async () => {
    await world.given(published(A, 'a1'), published(B, 'b1'));
    for (const method of ['put', 'get', 'deleteMany'] as const) world.bucket.fail(method, { times: 100 });
    await world.start();
    await until('the bucket to be given up', () => world.projector.status().state === 'waiting');
    expect(world.projector.status()).toMatchObject({ state: 'waiting', pending: 2 });
    expect(world.projector.status().reason).toContain('OBJECT_STORE_UNAVAILABLE');
    world.bucket.heal();
    world.clock.advance(1_000);
    await world.settled();
    expect(await world.outcomes(A)).toEqual(['put of version 0, attempt 1']);
    expect(await world.objects()).toEqual({ [A]: 'a1', [B]: 'b1' });
    expect(world.projector.status()).toMatchObject({
      state: 'running',
      reason: null,
      pending: 0,
      oldestPendingAt: null,
    });
    expect(world.projector.status().checkpoint).toBe(await world.log.head());
  });

  it('that loses the answer is looked at before anything is sent again', async () => {
    world.bucket.fail('put', { key: A, lose: 'answer' });
    const put = jest.spyOn(world.memory, 'put');
    await world.given(published(A, 'a1'));
    await world.start();
    await world.recorded(A, 1);
    world.clock.advance(30_000);
    await world.settled();
    expect(await world.outcomes(A)).toEqual([
      'failed put of version 0, attempt 1',
      'put of version 0, attempt 2',
    ]);
    expect(await world.objects()).toEqual({ [A]: 'a1' });
    expect(put.mock.calls.filter(([key]) => key === A)).toHaveLength(1);
  });

  it('that stores something else is a failure', async () => {
    const lying = new CdnWorld((inner) =>
      Object.assign(new MemoryObjectStore(), {
        put: async (...args: Parameters<ObjectStore['put']>) => ({
          ...(await inner.put(...args)),
          etag: 'another',
        }),
        get: (...args: Parameters<ObjectStore['get']>) => inner.get(...args),
      }),
    );
    await lying.given(published(A, 'a1'));
    await lying.start();
    await lying.recorded(A, 1);
    expect(await lying.lastOutcome(A)).toMatchObject({
      type: 'ReplicationFailed',
      data: { error: { code: 'HASH_MISMATCH' } },
    });
    await lying.dispose();
  });

  it('that refuses one deletion fails that path only', async () => {
    await world.given(published(A, 'a1'), published(B, 'b1'));
    await (await world.start()).settled();
    world.bucket.refuseDelete(A);
    await world.given(deleted(A), deleted(B));
    await world.recorded(A, 2);
    await world.recorded(B, 2);
    expect(await world.outcomes(A)).toEqual([
      'put of version 0, attempt 1',
      'failed delete of version 1, attempt 1',
    ]);
    expect(await world.outcomes(B)).toEqual([
      'put of version 0, attempt 1',
      'delete of version 1, attempt 1',
    ]);
    world.bucket.heal();
    world.clock.advance(30_000);
    await world.settled();
    expect(await world.objects()).toEqual({});
  });

  it('makes no second attempt for a version that can never be stored', async () => {
    world.bucket.fail('put', {
      key: A,
      error: new HoldfastError('OBJECT_REJECTED', 'Such a key cannot be.'),
    });
    await world.given(published(A, 'a1'));
    await world.start();
    await world.recorded(A, 1);
    expect(await world.outcomes(A)).toEqual(['dead letter after 1']);
  });

  it('counts an attempt that fails after a request to retry as the first of the new round', async () => {
    let requests = 0;
    const asking = new CdnWorld((inner) =>
      Object.assign(new MemoryObjectStore(), {
        put: async (...[key, ...rest]: Parameters<ObjectStore['put']>) => {
          if (key !== A) return inner.put(key, ...rest);
          if ((requests += 1) === 2) await asking.given(retryRequested(A, 0));
          if (requests <= 2) throw new HoldfastError('OBJECT_STORE_UNAVAILABLE', 'It does not answer.');
          return inner.put(key, ...rest);
        },
      }),
    );
    await asking.given(published(A, 'a1'));
    // One retry only: without the request, the second failure would be the end.
    await asking.start({ schedule: [1_000] });
    await asking.recorded(A, 1);
    asking.clock.advance(1_000);
    await asking.recorded(A, 3);
    expect(await asking.outcomes(A)).toEqual([
      'failed put of version 0, attempt 1',
      'retry requested',
      'failed put of version 0, attempt 1',
    ]);
    asking.clock.advance(1_000);
    await asking.settled();
    expect(await asking.objects()).toEqual({ [A]: 'a1' });
    await asking.dispose();
  });
});

describe('a restart', () => {
  it('in the middle of the queue goes on with the rest', async () => {
    const paths = Array.from({ length: 40 }, (_, index) => `${index}.json`);
    await world.given(...paths.map((at) => published(at, at)));
    await world.start({ concurrency: 2 });
    await until('some to be replicated', () => world.catalog.replicationCounts().success >= 5);
    await world.stop();
    expect(Object.keys(await world.objects()).length).toBeLessThan(40);
    await (await world.start()).settled();
    expect(Object.keys(await world.objects())).toHaveLength(40);
    for (const at of paths) expect(await world.outcomes(at)).toEqual(['put of version 0, attempt 1']);
  });

  it('keeps the schedule', async () => {
    world.bucket.fail('put', { after: 1, times: 1 });
    await world.given(published(A, 'a1'));
    await world.start();
    await world.recorded(A, 1);
    await world.stop();
    await world.start();
    world.clock.advance(29_000);
    await world.given(published(B, 'b1'));
    await world.recorded(B, 1);
    expect(await world.outcomes(A)).toHaveLength(1);
    world.clock.advance(1_000);
    await world.settled();
    expect(await world.outcomes(A)).toEqual([
      'failed put of version 0, attempt 1',
      'put of version 0, attempt 2',
    ]);
  });

  it('after a put whose outcome was not recorded makes the same object again', async () => {
    await world.given(published(A, 'a1'));
    world.failAppend({ times: 1_000_000 });
    await world.start();
    await until('the object', async () => (await world.bucket.head(A)) !== null);
    await world.stop();
    expect(await world.outcomes(A)).toEqual([]);
    world.heal();
    await (await world.start()).settled();
    expect(await world.outcomes(A)).toEqual(['put of version 0, attempt 1']);
    expect(await world.objects()).toEqual({ [A]: 'a1' });
  });
});

describe('a log that does not answer', () => {
  it('gets the outcome later, once', async () => {
    await world.given(published(A, 'a1'));
    world.failAppend({ times: 3 });
    await world.start();
    await until('the object', async () => (await world.bucket.head(A)) !== null);
    await until('the outcome', async () => {
      world.clock.advance(5_000);
      return (await world.outcomes(A)).length > 0;
    });
    await world.settled();
    expect(await world.outcomes(A)).toEqual(['put of version 0, attempt 1']);
  });

  it.each(['ContentReplicated', 'ReplicationFailed'])(
    'after it took the outcome (%s) keeps it once',
    async (type) => {
      if (type === 'ReplicationFailed') world.bucket.fail('put', { after: 1 });
      await world.given(published(A, 'a1'));
      world.failAppend({ lose: 'answer' });
      await world.start();
      await world.recorded(A, 1);
      world.clock.advance(1_000);
      await world.given(published(B, 'b1'));
      await world.recorded(B, 1);
      expect(await world.outcomes(A)).toHaveLength(1);
      expect((await world.lastOutcome(A))?.type).toBe(type);
    },
  );
});

describe('the mode', () => {
  it('pauses replication when it disables the CDN, and keeps the queue', async () => {
    await world.given(modeChanged({ cdnEnabled: false }), published(A, 'a1'));
    await world.start();
    await until('the pause', () => world.projector.status().state === 'paused');
    await world.given(published(B, 'b1'));
    await until('the event to be known', async () => world.isKnown(await world.log.head()));
    expect(await world.objects()).toEqual({});
    expect(world.projector.status()).toMatchObject({ state: 'paused', pending: 2 });
    await world.given(modeChanged({ cdnEnabled: true }));
    await world.settled();
    expect(await world.objects()).toEqual({ [A]: 'a1', [B]: 'b1' });
  });

  it('does not pause it for the local fallback', async () => {
    await world.given(modeChanged({ localFallback: true }), published(A, 'a1'));
    await (await world.start()).settled();
    expect(await world.objects()).toEqual({ [A]: 'a1' });
  });
});

describe('the bucket', () => {
  const PROBE = '.holdfast/probe.json';
  const claimBy = async (logId: string) => {
    const bytes = Buffer.from(`{"holdfast":"probe","logId":"${logId}"}\n`);
    const md5 = createHash('md5').update(bytes).digest('hex');
    await world.memory.put(PROBE, bytes, {
      contentType: 'application/json',
      cacheControl: null,
      md5,
      metadata: {},
    });
  };

  it('is claimed for the log before the first put', async () => {
    await (await (await world.given(published(A, 'a1'))).start()).settled();
    const probe = await world.memory.get(PROBE);
    expect(Buffer.from(probe.body).toString()).toBe(`{"holdfast":"probe","logId":"${LOG_ID}"}\n`);
    expect(probe).toMatchObject({ cacheControl: 'no-cache', metadata: { sha256: sha256Of(probe.body) } });
  });

  it('LOG_MISMATCH of another log is refused, and nothing is written to it', async () => {
    await claimBy(OTHER_LOG_ID);
    await world.given(published(A, 'a1'), published(B, 'b1'), deleted(B));
    await world.start();
    await until('the stop', () => world.projector.status().state === 'stopped');
    expect(world.projector.status().reason).toMatch(new RegExp(`LOG_MISMATCH.*${OTHER_LOG_ID}`));
    expect(await world.objects()).toEqual({});
    expect(await world.outcomes(A)).toEqual([]);
  });

  it('LOG_MISMATCH that came back as another log’s is refused at the next attempt', async () => {
    await (await world.given(published(A, 'a1'))).start();
    await world.settled();
    world.bucket.fail('put');
    await world.given(published(B, 'b1'));
    await world.recorded(B, 1);
    await claimBy(OTHER_LOG_ID);
    world.clock.advance(30_000);
    await until('the stop', () => world.projector.status().state === 'stopped');
    expect(await world.objects()).toEqual({ [A]: 'a1' });
  });

  it('gets its lost probe object back within a minute, though nobody publishes', async () => {
    await (await (await world.given(published(A, 'a1'))).start()).settled();
    await world.memory.deleteMany([PROBE]);
    const get = jest.spyOn(world.memory, 'get');
    for (let seconds = 0; seconds < 60; seconds += 5) {
      expect(get).not.toHaveBeenCalled();
      world.clock.advance(5_000);
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    await until('the probe object', async () => (await world.memory.head(PROBE)) !== null);
    await world.settled();
    expect(await world.objects()).toEqual({ [A]: 'a1' });
  });

  it('LOG_MISMATCH that became another log’s is met within a minute, and left alone', async () => {
    await (await (await world.given(published(A, 'a1'))).start()).settled();
    await claimBy(OTHER_LOG_ID);
    world.clock.advance(MINUTE_MS);
    await until('the stop', () => world.projector.status().state === 'stopped');
    expect(world.projector.status().reason).toMatch(new RegExp(`LOG_MISMATCH.*${OTHER_LOG_ID}`));
    expect(String(Buffer.from((await world.memory.get(PROBE)).body))).toContain(OTHER_LOG_ID);
  });

  it('is not written to while the CDN is disabled, though its probe object is lost', async () => {
    await (await (await world.given(published(A, 'a1'))).start()).settled();
    await world.given(modeChanged({ cdnEnabled: false }));
    await until('the pause', () => world.projector.status().state === 'paused');
    await world.memory.deleteMany([PROBE]);
    world.clock.advance(MINUTE_MS);
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(await world.memory.head(PROBE)).toBeNull();
  });

  it('SC-003 that was emptied gets everything again, and readers go local until then', async () => {
    await (await (await world.given(published(A, 'a1'), published(B, 'b1'), deleted(B))).start()).settled();
    await world.stop();
    await world.memory.deleteMany([A, PROBE]);
    world.bucket.fail('put');
    await world.start();
    await until('it to be asked for', async () => (await world.outcomes(A)).includes('retry requested'));
    await until('readers to know', () => world.catalog.document(A)?.onCdn === null);
    world.heal();
    world.clock.advance(30_000);
    await until('the object', async () => (await world.objects())[A] === 'a1');
    await until('readers to know', () => world.catalog.document(A)?.onCdn?.version === 0);
    expect(await world.objects()).toEqual({ [A]: 'a1' });
    expect((await world.outcomes(B)).at(-1)).toMatch('delete of version 1');
  });
});
