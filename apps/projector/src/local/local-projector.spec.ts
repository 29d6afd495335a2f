import { existsSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HoldfastError, type NewEvent, type ReplayParameters } from '@holdfast/domain';
import { deleted, LOG_ID, MemoryEventStore, published, record } from '@holdfast/domain/testing';
import { findLogIdentities, openContentReader, prepareDataDirectory } from '@holdfast/storage';
import {
  expectedTree,
  HISTORY,
  FaultyFiles,
  mountSmallDisk,
  readTree,
  temporaryDirectory,
  whyNoSmallDisk,
} from '@holdfast/storage/testing';
import type { LocalProjectorPorts } from './local-projector.ts';
import { generationsOf, type LocalNode, startLocalNode, until } from './testing/local-node.ts';

const EVERYTHING: ReplayParameters = { until: null, prefix: null, out: null };
const noProgress = { onProgress: () => undefined, signal: new AbortController().signal };

const cleanups: (() => Promise<void> | void)[] = [];
let directory: ReturnType<typeof temporaryDirectory>;
let dataDir: string;
let store: MemoryEventStore;
beforeEach(() => {
  directory = temporaryDirectory();
  dataDir = join(directory.path, 'data');
  store = new MemoryEventStore();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  directory.remove();
});

async function start(ports: Partial<LocalProjectorPorts> = {}): Promise<LocalNode> {
  const node = await startLocalNode({ store, dataDir, ...ports });
  cleanups.push(node.stop);
  return node;
}

const content = (): string => join(dataDir, 'content/');
const live = (): Record<string, string | null> => readTree(content());
const generations = (): string[] => generationsOf(dataDir);

describe('a first start', () => {
  it('FR-001 on an empty log makes an empty generation the live one', async () => {
    const { projector } = await start();
    await projector.caughtUp();
    expect(projector.status()).toMatchObject({ name: 'local', state: 'running', reason: null, pending: 0 });
    expect(readlinkSync(join(dataDir, 'content'))).toBe('generations/000001');
    expect(live()).toEqual({});
    expect(findLogIdentities(dataDir)).toEqual([LOG_ID]);
  });

  it('on a log that has a history builds the tree from it', async () => {
    await record(store, ...HISTORY);
    const { projector } = await start();
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree(HISTORY));
    expect(projector.status().checkpoint).toBe(await store.head());
  });
});

describe('a running projector', () => {
  it('follows the log, and tells readers', async () => {
    const { projector } = await start();
    const reader = openContentReader({ dataDir });
    cleanups.push(() => reader.close());
    await projector.caughtUp();
    const [appended] = await record(store, published('a.json', '1'));
    expect(await reader.reached('a.json', 0, appended!.position, { timeoutMs: 15_000 })).toBe(true);
    expect(reader.recorded('a.json')).toMatchObject({
      version: 0,
      position: appended!.position,
      state: 'live',
      bytes: 1,
    });
    expect(live()).toEqual({ 'a.json': '1' });
    await record(store, published('a.json', '2'), deleted('a.json'), ...HISTORY);
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree(HISTORY));
    expect(reader.recorded('a.json')).toMatchObject({ version: 2, state: 'deleted', sha256: null });
  });

  it('goes on where it was after a restart, and moves its checkpoint past the events of others', async () => {
    await record(store, ...HISTORY.slice(0, 4));
    const first = await start();
    await first.projector.caughtUp();
    await store.append('node-a', [nodeReport()], 'any');
    await first.projector.caughtUp();
    await first.stop();
    await record(store, ...HISTORY.slice(4));
    const { projector, lines } = await start();
    expect(projector.status().checkpoint).not.toBeNull();
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree(HISTORY));
    expect(lines).toEqual([]);
    expect(generations()).toEqual(['000001', '000001.db']);
  });

  it('does exactly the intents again that a crash has left', async () => {
    await record(store, published('a.json', '1'), published('b.json', '2'));
    const first = await start();
    await first.projector.caughtUp();
    await first.stop();
    // As if the process had died after the rename of version 1 of a.json, before its commit.
    const [second] = await record(store, published('a.json', '3'));
    const db = new DatabaseSync(join(dataDir, 'generations/000001.db'));
    db.prepare('INSERT INTO intents VALUES (?, ?, ?, ?)').run('a.json', 1, second!.position, 'id-1');
    db.close();
    writeFileSync(join(content(), 'a.json'), '3');
    writeFileSync(join(content(), 'a.json.prev'), '1');
    writeFileSync(join(content(), 'a.json.tmp.id-1'), 'half');
    writeFileSync(join(content(), 'b.json.tmp.id-2'), 'not of an intent');
    const { projector } = await start();
    await projector.caughtUp();
    expect(live()).toEqual({
      'a.json': '3',
      'a.json.prev': '1',
      'b.json': '2',
      'b.json.tmp.id-2': 'not of an intent',
    });
  });

  it('goes on by itself when the store was away', async () => {
    let isAway = false;
    const flaky = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== 'subscribe' || !isAway)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        throw new HoldfastError('EVENT_STORE_UNAVAILABLE', 'The log is away.');
      },
    });
    const { projector, lines } = await start({ store: flaky });
    await projector.caughtUp();
    isAway = true;
    await projector.close();
    const again = await start({ store: flaky });
    await until('it says so', () => again.projector.status().state === 'waiting');
    expect(again.projector.status().reason).toBe('The log is away.');
    isAway = false;
    await record(store, ...HISTORY);
    await again.projector.caughtUp();
    await until('it is well again', () => again.projector.status().state === 'running');
    expect(live()).toEqual(expectedTree(HISTORY));
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('a path that cannot be written', () => {
  it('waits alone, holds the checkpoint, and is written when it can be; FR-016 it is logged', async () => {
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'EACCES',
      operations: ['createFile'],
      where: 'units/u1.json',
    });
    const { projector, lines } = await start({ files });
    await projector.caughtUp();
    const before = projector.status().checkpoint;
    await record(store, ...HISTORY);
    await until('the others are there', () => existsSync(join(content(), 'back/b.json')));
    await until('it waits', () => projector.status().state === 'waiting');
    const { 'units/u1.json': one, 'units/u1.json.prev': other, ...others } = expectedTree(HISTORY);
    expect([one, other, live()]).toEqual(['4', '1', others]);
    expect(projector.status()).toMatchObject({
      state: 'waiting',
      pending: 1,
      oldestPendingAt: HISTORY[0]!.metadata.at,
    });
    expect(projector.status().reason).toContain('may not do this');
    expect(projector.status().checkpoint).toBe(before);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        message: expect.stringContaining('units/u1.json'),
        facts: expect.objectContaining({
          path: 'units/u1.json',
          code: 'STORAGE_UNAVAILABLE',
          errno: 'EACCES',
        }),
      },
    ]);
    files.heal();
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree(HISTORY));
    expect(projector.status()).toMatchObject({ state: 'running', pending: 0, oldestPendingAt: null });
  });

  it('is written by the next start too', async () => {
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'ENOSPC',
      operations: ['createFile'],
      where: 'u1',
    });
    const first = await start({ files });
    await first.projector.caughtUp();
    await record(store, ...HISTORY);
    await until('it waits', () => first.projector.status().state === 'waiting');
    await first.stop();
    const { projector } = await start();
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree(HISTORY));
  });

  it('a delete of it passes', async () => {
    await record(store, published('a.json', '1'));
    const files = new FaultyFiles({ at: 1, lasts: 'from-then-on', code: 'ENOSPC', operations: ['write'] });
    files.heal();
    const { projector } = await start({ files });
    await projector.caughtUp();
    await projector.close();
    const full = await start({
      files: new FaultyFiles({ at: 1, lasts: 'from-then-on', code: 'ENOSPC', operations: ['createFile'] }),
    });
    await record(store, published('a.json', '2'));
    await until('it waits', () => full.projector.status().state === 'waiting');
    expect(live()).toEqual({ 'a.json': '1' });
    await record(store, deleted('a.json'));
    await full.projector.caughtUp();
    expect(live()).toEqual({});
    expect(full.projector.status()).toMatchObject({ state: 'running', pending: 0 });
  });

  it('too many of them pause the intake, and none is lost', async () => {
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'ENOSPC',
      operations: ['createFile'],
    });
    const { projector } = await start({ files, maxWaiting: 3 });
    await projector.caughtUp();
    const events = Array.from({ length: 5 }, (_, index) => published(`a${index}.json`, String(index)));
    for (const event of events) {
      await record(store, event);
      const { pending } = projector.status();
      if (pending < 3) await until('it waits', () => projector.status().pending > pending);
    }
    expect(projector.status().pending).toBe(3);
    files.heal();
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree(events));
  });

  it('gives way to a replay, which writes all of it elsewhere', async () => {
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'EIO',
      operations: ['createFile'],
      where: '000001/units/u1.json',
    });
    const { projector } = await start({ files });
    await projector.caughtUp();
    await record(store, ...HISTORY);
    await until('it waits', () => projector.status().state === 'waiting');
    await projector.replay(EVERYTHING, noProgress);
    expect(projector.status()).toMatchObject({ state: 'running', pending: 0 });
    expect(live()).toEqual(expectedTree(HISTORY));
  });
});

const skipped = whyNoSmallDisk();
(skipped === null ? describe : describe.skip)(
  `on a disk of its own${skipped === null ? '' : ` (${skipped})`}`,
  () => {
    it('a full disk keeps the old versions live, and it goes on by itself when there is room', async () => {
      const disk = mountSmallDisk(4);
      cleanups.push(() => disk.remove());
      dataDir = join(disk.path, 'data');
      const filling = join(disk.path, 'filling');
      const events: NewEvent[] = [published('a.json', '1'), published('b.json', '2')];
      await record(store, ...events);
      const { projector } = await start();
      await projector.caughtUp();
      expect(() => writeFileSync(filling, Buffer.alloc(2 ** 23))).toThrow('ENOSPC');
      const more = [published('a.json', '1'.repeat(100_000)), published('d/c.json', '2'.repeat(100_000))];
      await record(store, ...more);
      await until('it waits', () => projector.status().state === 'waiting');
      expect(live()).toEqual(expectedTree(events));
      // Deleting needs no room, and makes some.
      await record(store, deleted('b.json'));
      await until('the delete has passed', () => !existsSync(join(content(), 'b.json')));
      rmSync(filling);
      await projector.caughtUp();
      expect(live()).toEqual(expectedTree([...events, ...more, deleted('b.json')]));
    });

    it('read-only files are waited for', async () => {
      const disk = mountSmallDisk(8);
      cleanups.push(() => disk.remove());
      // The index lies elsewhere: it is the files that cannot be written.
      prepareDataDirectory(dataDir);
      mkdirSync(join(disk.path, '000001'));
      const { projector, stop } = await start();
      await projector.caughtUp();
      await stop();
      rmSync(join(dataDir, 'generations/000001'), { recursive: true });
      symlinkSync(join(disk.path, '000001'), join(dataDir, 'generations/000001'));
      const again = await start();
      await record(store, ...HISTORY);
      await again.projector.caughtUp();
      disk.remountReadOnly();
      await record(store, published('units/u1.json', '44'), deleted('units/u2.json'));
      await until('it waits', () => again.projector.status().pending === 2);
      expect(again.projector.status().reason).toContain('mounted read-only');
      expect(live()).toEqual(expectedTree(HISTORY));
      disk.remountWritable();
      await again.projector.caughtUp();
      expect(live()).toMatchObject({ 'units/u1.json': '44', 'units/u1.json.prev': '4' });
      await again.stop();
    });
  },
);

const nodeReport = (): NewEvent => ({
  type: 'NodeReported',
  id: '00000000-0000-4000-8000-0000000000bb',
  metadata: HISTORY[0]!.metadata,
  data: {
    node: 'a',
    version: '0.0.0',
    runtime: 'node',
    startedAt: HISTORY[0]!.metadata.at,
    intervalSeconds: 5,
    projectors: [],
    disks: [],
    memoryBytes: 0,
  },
});
