import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { alertStream, type Clock, type EventOf, systemClock } from '@holdfast/domain';
import {
  LOG_ID,
  MemoryEventStore,
  MemoryLog,
  MemoryObjectStore,
  METADATA,
  newEvent,
  OTHER_LOG_ID,
  published,
  record,
} from '@holdfast/domain/testing';
import { openEventStore } from '@holdfast/event-store';
import { pino } from 'pino';
import { type Composed, compose, type Overrides } from './compose.ts';
import { readConfig } from './config.ts';

let dataDir: string;
let composed: Composed[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-projector-'));
  composed = [];
});

afterEach(async () => {
  for (const each of composed.reverse()) await each.close();
  rmSync(dataDir, { recursive: true });
});

const configOf = (env: Record<string, string> = {}) =>
  readConfig({ HOLDFAST_DATA_DIR: dataDir, HOLDFAST_NODE: 'web-1', ...env });

async function start(overrides: Overrides = {}, env: Record<string, string> = {}): Promise<Composed> {
  const made = await compose(configOf(env), { logger: pino({ level: 'silent' }), ...overrides });
  composed.push(made);
  await made.start();
  return made;
}

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits of seconds pass at once. */
const hurriedClock: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms > 3_000 ? 10 : ms, signal),
};
const liveFile = (at: string): string => join(dataDir, 'content', at);
/** Whatever would keep the process alive. */
const openHandles = (): string[] => process.getActiveResourcesInfo().sort();

describe('composing the projector', () => {
  it('brings what is published to disk and bucket, reports, and leaves nothing open', async () => {
    const before = openHandles();
    const [store, bucket] = [new MemoryEventStore(), new MemoryObjectStore()];
    const { projectors, close } = await start({ store, bucket });
    await record(store, published('units/a.json', { id: 'a' }));
    await until(
      'the replica',
      async () => (await store.readStream('replication-units/a.json', { maxCount: 1 })).length > 0,
    );
    expect(readFileSync(liveFile('units/a.json'), 'utf8')).toBe('{"id":"a"}');
    const [report] = (await store.readStream('node-web-1', { maxCount: 1 })) as EventOf<'NodeReported'>[];
    expect(report?.data).toMatchObject({
      node: 'web-1',
      runtime: `node ${process.versions.node}`,
      projectors: [{ name: 'local' }, { name: 'cdn' }, { name: 'drift' }],
      disks: [{ name: 'data' }],
    });
    expect([projectors.local?.status().state, projectors.cdn?.status().state]).toEqual([
      'running',
      'running',
    ]);
    await close();
    await until('every handle to be closed', () => openHandles().length <= before.length);
  });

  it('FR-013 tells of a disk that is low', async () => {
    const store = new MemoryEventStore();
    await start({ store, bucket: new MemoryObjectStore() }, { HOLDFAST_DISK_MIN_FREE: '100%' });
    const alerts = () => store.readStream('alert-DISK_LOW-web-1/data', { maxCount: 2 });
    await until('the alert', async () => (await alerts()).length === 1);
    expect(await alerts()).toMatchObject([
      { type: 'AlertRaised', data: { details: { reserveInUse: false } } },
    ]);
  });

  it('a scan of a node that makes none any more is not missed any more', async () => {
    const store = new MemoryEventStore();
    const [which, why] = [{ code: 'SCAN_OVERDUE', subject: 'web-1/full' } as const, 'It was due.'];
    const data = { ...which, severity: 'warning', message: why, details: {} } as const;
    const metadata = { ...METADATA, actor: 'projector:web-1' };
    await record(store, { ...newEvent({ type: 'AlertRaised', data }), metadata });
    const bucket = new MemoryObjectStore();
    await start({ store, bucket, clock: hurriedClock }, { HOLDFAST_PROJECTORS: 'local,cdn' });
    const alerts = () => store.readStream('alert-SCAN_OVERDUE-web-1/full', { maxCount: 3 });
    await until('the end of the alert', async () => (await alerts()).length === 2);
    expect(await alerts()).toMatchObject([{ type: 'AlertRaised' }, { type: 'AlertCleared', data: which }]);
  });

  it('drift of a node that makes no scans any more is not told of any more', async () => {
    const store = new MemoryEventStore();
    const which = { code: 'DRIFT_FOUND', subject: 'web-1' } as const;
    const data = { ...which, severity: 'warning', message: 'Two differ.', details: {} } as const;
    const metadata = { ...METADATA, actor: 'projector:web-1' };
    await record(store, { ...newEvent({ type: 'AlertRaised', data }), metadata });
    await start({ store, bucket: new MemoryObjectStore() }, { HOLDFAST_PROJECTORS: 'local,cdn' });
    const alerts = () => store.readStream('alert-DRIFT_FOUND-web-1', { maxCount: 3 });
    await until('the end of the alert', async () => (await alerts()).length === 2);
    expect(await alerts()).toMatchObject([{ type: 'AlertRaised' }, { type: 'AlertCleared', data: which }]);
  });

  it('sends readers to the local origin when the CDN does not answer, and tells of it', async () => {
    const store = new MemoryEventStore();
    await start(
      { store, bucket: new MemoryObjectStore(), clock: hurriedClock },
      // Nobody can be asked there.
      { HOLDFAST_FAILOVER: 'auto', HOLDFAST_CDN_BASE_URL: 'http://127.0.0.1:1/content' },
    );
    const last = async (stream: string) =>
      (await store.readStream(stream, { direction: 'backwards', maxCount: 1 }))[0];
    await until('the switch', async () => (await last('mode-delivery')) !== undefined);
    expect(await last('mode-delivery')).toMatchObject({
      data: {
        localFallback: true,
        cause: 'probe',
        reason: expect.stringContaining('probes of the CDN failed'),
      },
    });
    await until('the alert', async () => (await last('alert-FAILED_OVER--')) !== undefined);
  });

  it('works on the embedded log and bucket, and goes on where it ended', async () => {
    await start();
    await composed[0]?.close();
    const { projectors } = await start();
    for (const projector of [projectors.local, projectors.cdn]) {
      await until('the projector to run', () => projector?.status().state === 'running');
    }
    expect(existsSync(join(dataDir, 'events.db'))).toBe(true);
  });

  it.each(['local', 'cdn'] as const)(
    'runs the %s projector alone where the settings say so',
    async (name) => {
      const store = new MemoryEventStore();
      const { projectors } = await start(
        { store, bucket: new MemoryObjectStore() },
        { HOLDFAST_PROJECTORS: name },
      );
      expect(Object.entries(projectors).map(([key, projector]) => [key, projector !== null])).toEqual([
        ['local', name === 'local'],
        ['cdn', name === 'cdn'],
        ['drift', false],
      ]);
    },
  );

  it('DATA_DIR_IN_USE: a second one on the same data directory is refused', async () => {
    await start({ store: new MemoryEventStore(), bucket: new MemoryObjectStore() });
    const second = compose(configOf(), { store: new MemoryEventStore(), logger: pino({ level: 'silent' }) });
    await expect(second).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE', kind: 'fatal' });
  });
});

it('NODE_NAME_IN_USE: two processes with other projectors do not report under one name', async () => {
  await start(
    { store: new MemoryEventStore(), bucket: new MemoryObjectStore() },
    { HOLDFAST_PROJECTORS: 'local,drift' },
  );
  const cdn = { HOLDFAST_PROJECTORS: 'cdn' };
  const same = start(
    { store: new MemoryEventStore(), bucket: new MemoryObjectStore(), clock: hurriedClock },
    cdn,
  );
  await expect(same).rejects.toMatchObject({
    code: 'NODE_NAME_IN_USE',
    kind: 'fatal',
    message: expect.stringContaining(`: Process ${process.pid} on `),
  });
  const other = { ...cdn, HOLDFAST_NODE: 'web-1-cdn' };
  const { projectors } = await start(
    { store: new MemoryEventStore(), bucket: new MemoryObjectStore() },
    other,
  );
  expect(projectors.cdn).not.toBeNull();
});

describe('another log', () => {
  it('LOG_MISMATCH: is not begun where the one that the files were made from is gone', async () => {
    await start();
    await until('a generation', () => existsSync(join(dataDir, 'content')));
    await composed[0]?.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(dataDir, `events.db${suffix}`), { force: true });
    await expect(compose(configOf())).rejects.toMatchObject({ code: 'LOG_MISMATCH', kind: 'fatal' });
    expect(existsSync(join(dataDir, 'events.db'))).toBe(false);
  });

  it('LOG_MISMATCH: is an alert of a process of the bucket alone too, until the log is back', async () => {
    await start();
    await until('a generation', () => existsSync(join(dataDir, 'content')));
    await composed.pop()?.close();
    const [file, elsewhere] = [join(dataDir, 'events.db'), join(dataDir, 'elsewhere.db')];
    renameSync(file, elsewhere);
    const cdn = { HOLDFAST_PROJECTORS: 'cdn' };
    await expect(compose(configOf(cdn))).rejects.toMatchObject({ code: 'LOG_MISMATCH' });
    renameSync(elsewhere, file);
    await start({ clock: hurriedClock }, cdn);
    const { store } = await openEventStore(
      { kind: 'sqlite', file, bellFile: join(dataDir, 'events.bell') },
      { clock: systemClock, createIfMissing: false },
    );
    const stream = alertStream('LOG_MISMATCH', 'web-1/projector-cdn');
    const alerts = () => store.readStream(stream, { maxCount: 3 });
    await until('the end of the alert', async () => (await alerts()).length === 2);
    expect(await alerts()).toMatchObject([{ type: 'AlertRaised' }, { type: 'AlertCleared' }]);
    await store.close();
  });

  it('LOG_MISMATCH: stops every projector, and nothing is written anywhere, no report either', async () => {
    const bucket = new MemoryObjectStore();
    await start({ store: new MemoryEventStore(), bucket });
    await until('a generation', () => existsSync(join(dataDir, 'content')));
    await composed.pop()?.close();
    const other = new MemoryEventStore(new MemoryLog(OTHER_LOG_ID));
    await record(other, published('units/a.json'));
    const head = await other.head();
    const unused = new MemoryObjectStore();
    const { projectors } = await start({ store: other, bucket: unused });
    for (const projector of [projectors.local, projectors.cdn]) {
      expect(projector?.status()).toMatchObject({ state: 'stopped' });
      expect(projector?.status().reason).toContain(LOG_ID);
    }
    // A report would move the head of a log restored from an older backup past what the files were made from.
    expect(await other.head()).toBe(head);
    expect(existsSync(liveFile('units/a.json'))).toBe(false);
    expect((await unused.list({ prefix: '', after: null, maxCount: 1 })).objects).toEqual([]);
  });
});
