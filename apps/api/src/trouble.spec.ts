import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Clock,
  type EventStore,
  HoldfastError,
  initialMode,
  type LogBackup,
  type LogPage,
  MODE_STREAM,
  type ReadLogOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  type SubscribeOptions,
  systemClock,
} from '@holdfast/domain';
import { AT, faultyAppends, MemoryEventStore, newEvent, record } from '@holdfast/domain/testing';
import { compose, type Composed } from './compose.ts';
import { readConfig } from './config.ts';
import { eventually, parseLines, startApi } from './testing/start-api.ts';

let dataDir: string;
let opened: Composed | null = null;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
});
afterEach(async () => {
  await opened?.close();
  opened = null;
  rmSync(dataDir, { recursive: true, force: true });
});

async function open(store: EventStore, clock: Clock = systemClock): Promise<Composed> {
  const config = readConfig({ HOLDFAST_DATA_DIR: dataDir, HOLDFAST_PORT: '0', HOLDFAST_LOG_LEVEL: 'silent' });
  opened = await compose(config, { store: withBackup(store), clock });
  return opened;
}

const withBackup = (store: EventStore): EventStore & LogBackup =>
  new Proxy(store as EventStore & LogBackup, {
    get: (target, name) => {
      if (name === 'backupTo') {
        return () => Promise.reject(new HoldfastError('DISK_FULL', 'There is no room for a copy.'));
      }
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });

const put = (api: Composed, path: string, headers: Record<string, string> = {}) =>
  api.server.inject({
    method: 'PUT',
    url: `/v1/content/${path}`,
    headers: { 'content-type': 'application/json', ...headers },
    payload: '{"a":1}',
  });

const caughtUp = (api: Composed) =>
  eventually(
    () => api.server.inject('/v1/jobs'),
    ({ statusCode }) => statusCode === 200,
  );

const reasonsOf = async (api: Composed): Promise<string[]> => {
  const { reasons } = (await api.server.inject('/readyz')).json<{ reasons: { code: string }[] }>();
  return reasons.map(({ code }) => code);
};

/** Can be away. */
class AwayStore extends MemoryEventStore {
  isAway = false;

  override identity(): Promise<string> {
    return this.#answer(() => super.identity());
  }

  override head(): Promise<string> {
    return this.#answer(() => super.head());
  }

  override readLog(options: ReadLogOptions): Promise<LogPage> {
    return this.#answer(() => super.readLog(options));
  }

  #answer<T>(ask: () => Promise<T>): Promise<T> {
    if (!this.isAway) return ask();
    return Promise.reject(new HoldfastError('EVENT_STORE_UNAVAILABLE', 'It is away.'));
  }
}

it('while the log is away readiness tells of the log alone, not of what nobody can hear of', async () => {
  const store = new AwayStore();
  const data = {
    ...{ node: 'web-2', version: '1', runtime: 'node', startedAt: AT, intervalSeconds: 0.001 },
    ...{ projectors: [], disks: [], memoryBytes: 1 },
  };
  await record(store, newEvent({ type: 'NodeReported', data }));
  const api = await open(store);
  await caughtUp(api);
  const warnings = async (): Promise<string[]> => {
    const known = (await api.server.inject('/readyz')).json<{ warnings: { code: string }[] }>().warnings;
    return known.map(({ code }) => code);
  };
  await eventually(warnings, (codes) => codes.includes('NODE_SILENT'));
  expect(await reasonsOf(api)).toEqual(['PROJECTOR_SILENT']);
  store.isAway = true;
  expect(await reasonsOf(api)).toEqual(['EVENT_STORE_UNAVAILABLE']);
  expect(await warnings()).toEqual([]);
});

it('while the log is away health and metrics tell all that can be known without it', async () => {
  const store = new AwayStore();
  const api = await open(store);
  await caughtUp(api);
  const measured = async (): Promise<string> => (await api.server.inject('/metrics')).body;
  expect(await measured()).toMatch(/^holdfast_catalog_lag_events\{.*\} 0$/m);
  store.isAway = true;
  const { statusCode, body } = await api.server.inject('/v1/health');
  expect([statusCode, JSON.parse(body)]).toMatchObject([
    200,
    {
      status: 'degraded',
      reasons: [{ code: 'EVENT_STORE_UNAVAILABLE' }],
      log: { id: null, head: null },
      catalog: { lag: null },
      local: { lag: null },
      disks: [{ name: 'data' }],
    },
  ]);
  const metrics = await measured();
  expect(metrics).not.toMatch(/^holdfast_(?:catalog|projector)_lag_events\{/m);
  expect(metrics).toMatch(/^holdfast_ready\{.*\} 0$/m);
  expect(metrics).toMatch(/^holdfast_condition\{.*code="EVENT_STORE_UNAVAILABLE".*\} 1$/m);
  expect(metrics).toMatch(/^holdfast_disk_free_bytes\{disk="data".*\} \d/m);
  store.isAway = false;
  expect(await measured()).toMatch(/^holdfast_catalog_lag_events\{.*\} 0$/m);
});

describe('while the log can be read but says nothing new', () => {
  class SilentStore extends MemoryEventStore {
    override async *subscribe({ signal }: { signal: AbortSignal }): AsyncGenerator<never> {
      yield* [];
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          resolve();
        });
      });
    }
  }

  it('answers 503 with Retry-After where the catalog is asked, and takes no command', async () => {
    const store = new SilentStore();
    const api = await open(store);
    for (const response of [
      await put(api, 'a.json'),
      await api.server.inject('/v1/content'),
      await api.server.inject('/v1/url/a.json'),
      await api.server.inject({ method: 'DELETE', url: '/v1/content/a.json' }),
      await api.server.inject({
        method: 'POST',
        url: '/v1/batch',
        headers: { 'content-type': 'application/x-ndjson' },
        payload: '{"put":"a.json","text":"1"}',
      }),
    ]) {
      expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([503, 'CATALOG_LAGGING']);
      expect(response.headers['retry-after']).toBe('1');
    }
    expect(store.log.events).toHaveLength(1);
    expect(await reasonsOf(api)).toContain('CATALOG_LAGGING');
    expect((await api.server.inject('/healthz')).statusCode).toBe(200);
    expect((await api.server.inject('/v1/health')).statusCode).toBe(200);
  });

  it('says so after 2 s, and keeps the mode it knows', async () => {
    let now = Date.now();
    const clock: Clock = { ...systemClock, now: () => new Date(now) };
    const api = await open(new SilentStore(), clock);
    expect(await reasonsOf(api)).not.toContain('MODE_STALE');
    now += 2_001;
    expect(await reasonsOf(api)).toContain('MODE_STALE');
    expect((await api.server.inject('/v1/mode')).json()).toMatchObject({ cdnEnabled: true, stale: true });
  });
});

it('a catalog that could not be brought up at the start is looked for again when somebody asks', async () => {
  /** Goes away once the mode was read, which is when the server begins to look for its catalog. */
  class LeavingStore extends AwayStore {
    override async readStream(stream: string, options: ReadStreamOptions): Promise<RecordedEvent[]> {
      const events = await super.readStream(stream, options);
      if (stream === MODE_STREAM) this.isAway = true;
      return events;
    }
  }
  const store = new LeavingStore();
  const api = await open(store);
  const ask = async () => (await api.server.inject('/v1/jobs')).statusCode;
  expect([await ask(), await ask()]).toEqual([503, 503]);
  store.isAway = false;
  await eventually(ask, (status) => status === 200);
});

it('a change of mode that this process does not hear of is answered 503, and is in the log', async () => {
  class DeafStore extends MemoryEventStore {
    override async *subscribe(options: SubscribeOptions): AsyncGenerator<LogPage, void, undefined> {
      if (options.filter?.types?.includes('ModeChanged') !== true) return yield* super.subscribe(options);
      await new Promise<void>((resolve) => {
        options.signal.addEventListener('abort', () => {
          resolve();
        });
      });
    }
  }
  // Ten seconds pass at once.
  const sleep: Clock['sleep'] = (ms, signal) => systemClock.sleep(ms === 10_000 ? 1 : ms, signal);
  const store = new DeafStore();
  const api = await open(store, { ...systemClock, sleep });
  await caughtUp(api);
  const response = await api.server.inject({
    method: 'PUT',
    url: '/v1/mode',
    headers: { 'content-type': 'application/json' },
    payload: '{"cdnEnabled":false,"reason":"the CDN is away"}',
  });
  expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([503, 'MODE_LAGGING']);
  expect(response.headers['retry-after']).toBe('1');
  expect(await store.readStream(MODE_STREAM, { maxCount: 10 })).toHaveLength(1);
});

it('a mode that is so already, by a change that this process has yet to hear of, is answered as it is', async () => {
  const heard = Promise.withResolvers<void>();
  class SlowStore extends MemoryEventStore {
    override async *subscribe(options: SubscribeOptions): AsyncGenerator<LogPage, void, undefined> {
      for await (const page of super.subscribe(options)) {
        if (page.events.some(({ type }) => type === 'ModeChanged')) await heard.promise;
        yield page;
      }
    }
  }
  const store = new SlowStore();
  const api = await open(store);
  await caughtUp(api);
  const off = { ...initialMode, cdnEnabled: false, cause: 'operator', reason: 'by another node' } as const;
  await record(store, newEvent({ type: 'ModeChanged', data: off }));
  const answered = api.server.inject({
    method: 'PUT',
    url: '/v1/mode',
    headers: { 'content-type': 'application/json' },
    payload: '{"cdnEnabled":false,"reason":"the CDN is away"}',
  });
  const late = systemClock.sleep(100).then(heard.resolve);
  expect((await answered).json()).toMatchObject({ cdnEnabled: false, unchanged: true });
  await late;
});

it('a batch waits once for a catalog that stands still, not once for each line; all of it is in the log', async () => {
  class StallingStore extends MemoryEventStore {
    isStalled = false;

    override async *subscribe(options: SubscribeOptions): AsyncGenerator<LogPage, void, undefined> {
      for await (const page of super.subscribe(options)) {
        if (this.isStalled) await once(options.signal, 'abort');
        yield page;
      }
    }
  }
  let waits = 0;
  // Ten seconds pass at once.
  const sleep: Clock['sleep'] = (ms, signal) => {
    waits += ms === 10_000 ? 1 : 0;
    return systemClock.sleep(ms === 10_000 ? 1 : ms, signal);
  };
  const store = new StallingStore();
  const api = await open(store, { ...systemClock, sleep });
  await caughtUp(api);
  store.isStalled = true;
  const response = await api.server.inject({
    method: 'POST',
    url: '/v1/batch',
    headers: { 'content-type': 'application/x-ndjson' },
    payload: ['a', 'b', 'c'].map((name) => `{"put":"${name}.json","text":"1"}`).join('\n'),
  });
  expect(parseLines(response.body)).toMatchObject([
    { line: 1, ok: false, code: 'CATALOG_LAGGING' },
    { line: 2, ok: false, code: 'CATALOG_LAGGING' },
    { line: 3, ok: false, code: 'CATALOG_LAGGING' },
    { done: true, published: 0, failed: 3 },
  ]);
  expect(waits).toBe(1);
  expect(store.log.events).toHaveLength(4);
});

describe('when the log does not take events', () => {
  it('answers 503, and the same request works later with the same key', async () => {
    const { store, failAppend } = faultyAppends(new MemoryEventStore());
    const api = await open(store);
    await caughtUp(api);
    failAppend({ times: 10 });
    const key = { 'idempotency-key': 'k1' };
    const failed = await put(api, 'a.json', key);
    expect([failed.statusCode, failed.json<{ code: string }>().code]).toEqual([
      503,
      'EVENT_STORE_UNAVAILABLE',
    ]);
    expect(failed.headers['retry-after']).toBe('1');
    // Each request makes four attempts; the third one meets the last two failures.
    await put(api, 'a.json', key);
    expect((await put(api, 'a.json', key)).statusCode).toBe(201);
  });

  it('stores one event when the answer to an append was lost', async () => {
    const memory = new MemoryEventStore();
    const { store, failAppend } = faultyAppends(memory);
    const api = await open(store);
    await caughtUp(api);
    failAppend({ lose: 'answer' });
    const published = await put(api, 'a.json');
    expect([published.statusCode, published.json<{ version: number }>().version]).toEqual([201, 0]);
    expect(await memory.readStream('content-a.json', { maxCount: 10 })).toHaveLength(1);
  });

  it('tells what was not foreseen to the log, not to the client', async () => {
    const { store, failAppend } = faultyAppends(new MemoryEventStore());
    const api = await open(store);
    await caughtUp(api);
    failAppend({ error: new Error('the password is swordfish') });
    const { statusCode, body, headers } = await put(api, 'a.json');
    expect([statusCode, JSON.parse(body)]).toEqual([500, expect.objectContaining({ code: 'INTERNAL' })]);
    expect(body).toContain(String(headers['x-request-id']));
    expect(body).not.toContain('swordfish');
  });
});

it('a backup that fails is a problem, and leaves nothing', async () => {
  const api = await open(new MemoryEventStore());
  const { statusCode, body } = await api.server.inject('/v1/backup');
  expect([statusCode, JSON.parse(body)]).toEqual([507, expect.objectContaining({ code: 'DISK_FULL' })]);
});

it('an event that cannot be read is named, and keeps nothing else from working', async () => {
  const before = await startApi({ dataDir, config: { eventStore: { kind: 'sqlite', file: null } } });
  await before.put('a.json', '1');
  await before.put('b.json', '1');
  await before.close();
  const db = new DatabaseSync(join(dataDir, 'events.db'));
  db.prepare('UPDATE events SET v = 99 WHERE stream = ?').run('content-a.json');
  db.close();
  rmSync(join(dataDir, 'catalog-api.db'));
  const after = await startApi({ dataDir, config: { eventStore: { kind: 'sqlite', file: null } } });
  const unreadable = { status: 500, json: { code: 'EVENT_UNREADABLE', stream: 'content-a.json', v: 99 } };
  expect(await after.put('a.json', '2')).toMatchObject(unreadable);
  expect(await after.get('/v1/versions/a.json')).toMatchObject(unreadable);
  expect(await after.get('/content/a.json')).toMatchObject(unreadable);
  expect((await after.put('b.json', '2')).status).toBe(200);
  expect((await after.get('/v1/health')).json).toMatchObject({ catalog: { unreadableEvents: 1 } });
  expect((await after.batch([{ put: 'a.json', text: '3' }])).results).toMatchObject([
    { ok: false, code: 'EVENT_UNREADABLE' },
    { done: true, failed: 1 },
  ]);
  await after.close();
});
