import { existsSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HoldfastError, type NewEvent } from '@holdfast/domain';
import { deleted, LOG_ID, MemoryEventStore, path, published } from '@holdfast/domain/testing';
import { findLogIdentities, openContentReader, prepareDataDirectory } from '@holdfast/storage';
import {
  expectedTree,
  HISTORY,
  FaultyFiles,
  mountSmallDisk,
  whyNoSmallDisk,
} from '@holdfast/storage/testing';
import { until } from './testing/local-node.ts';
import { EVERYTHING, LocalWorld, noProgress } from './testing/local-world.ts';

let world: LocalWorld;
beforeEach(() => {
  world = new LocalWorld();
});
afterEach(() => world.dispose());

describe('a first start', () => {
  it('FR-001 on an empty log makes an empty generation the live one', async () => {
    const { projector } = await world.start();
    await projector.caughtUp();
    expect(projector.status()).toMatchObject({ name: 'local', state: 'running', reason: null, pending: 0 });
    expect(readlinkSync(world.at('content'))).toBe('generations/000001');
    expect(world.files()).toEqual({});
    expect(findLogIdentities(world.dataDir)).toEqual([LOG_ID]);
  });

  it('on a log that has a history builds the tree from it', async () => {
    await world.given(...HISTORY);
    const { projector } = await world.start();
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree(HISTORY));
    expect(projector.status().checkpoint).toBe(await world.store.head());
  });
});

describe('a running projector', () => {
  it('that writes large documents again has few of them in memory', async () => {
    const paths = Array.from({ length: 10 }, (_, nth) => path(`large/${nth}.json`));
    const writtenBefore: number[] = [];
    class Watched extends MemoryEventStore {
      override readStream(...args: Parameters<MemoryEventStore['readStream']>) {
        const [stream, { direction }] = args;
        const isNewest = direction === 'backwards' && stream.startsWith('content-large/');
        if (isNewest) writtenBefore.push(paths.filter((each) => existsSync(world.live(each))).length);
        return super.readStream(...args);
      }
    }
    world.store = new Watched();
    await world.given(...paths.map((each) => published(each, JSON.stringify('x'.repeat(3_000_000)))));
    const { projector } = await world.start();
    await projector.caughtUp();
    for (const each of paths) rmSync(world.live(each));
    writtenBefore.length = 0;
    expect(await projector.materialiseAgain(paths)).toEqual(new Map());
    expect(writtenBefore).toEqual([0, 0, 0, 3, 3, 3, 6, 6, 6, 9]);
    expect(Object.keys(world.files())).toHaveLength(10);
  });

  it('follows the log, and tells readers', async () => {
    const { projector } = await world.start();
    const reader = openContentReader({ dataDir: world.dataDir });
    world.onDispose(() => reader.close());
    await projector.caughtUp();
    const [appended] = await world.given(published('a.json', '1'));
    expect(await reader.reached('a.json', 0, appended!.position, { timeoutMs: 15_000 })).toBe(true);
    expect(reader.recorded('a.json')).toMatchObject({
      version: 0,
      position: appended!.position,
      state: 'live',
      bytes: 1,
    });
    expect(world.files()).toEqual({ 'a.json': '1' });
    await world.given(published('a.json', '2'), deleted('a.json'), ...HISTORY);
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree(HISTORY));
    expect(reader.recorded('a.json')).toMatchObject({ version: 2, state: 'deleted', sha256: null });
  });

  it('goes on where it was after a restart, and moves its checkpoint past the events of others', async () => {
    await world.given(...HISTORY.slice(0, 4));
    const first = await world.start();
    await first.projector.caughtUp();
    await world.store.append('node-a', [nodeReport()], 'any');
    await first.projector.caughtUp();
    await first.stop();
    await world.given(...HISTORY.slice(4));
    const { projector, lines } = await world.start();
    expect(projector.status().checkpoint).not.toBeNull();
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree(HISTORY));
    expect(lines).toEqual([]);
    expect(world.generations()).toEqual(['000001', '000001.db']);
  });

  it('does exactly the intents again that a crash has left', async () => {
    await world.given(published('a.json', '1'), published('b.json', '2'));
    await world.ran();
    // As if the process had died after the rename of version 1 of a.json, before its commit.
    const [second] = await world.given(published('a.json', '3'));
    const db = new DatabaseSync(world.at('generations/000001.db'));
    db.prepare('INSERT INTO intents VALUES (?, ?, ?, ?)').run('a.json', 1, second!.position, 'id-1');
    db.close();
    writeFileSync(world.live('a.json'), '3');
    writeFileSync(world.live('a.json.prev'), '1');
    writeFileSync(world.live('a.json.tmp.id-1'), 'half');
    writeFileSync(world.live('b.json.tmp.id-2'), 'not of an intent');
    const { projector } = await world.start();
    await projector.caughtUp();
    expect(world.files()).toEqual({
      'a.json': '3',
      'a.json.prev': '1',
      'b.json': '2',
      'b.json.tmp.id-2': 'not of an intent',
    });
  });

  it('goes on by itself when the store was away', async () => {
    let isAway = false;
    const flaky = new Proxy(world.store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== 'subscribe' || !isAway)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        throw new HoldfastError('EVENT_STORE_UNAVAILABLE', 'The log is away.');
      },
    });
    const { projector, lines } = await world.start({ store: flaky });
    await projector.caughtUp();
    isAway = true;
    await projector.close();
    const again = await world.start({ store: flaky });
    await until('it says so', () => again.projector.status().state === 'waiting');
    expect(again.projector.status().reason).toBe('The log is away.');
    isAway = false;
    await world.given(...HISTORY);
    await again.projector.caughtUp();
    await until('it is well again', () => again.projector.status().state === 'running');
    expect(world.files()).toEqual(expectedTree(HISTORY));
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
    const { projector, lines } = await world.start({ files });
    await projector.caughtUp();
    const before = projector.status().checkpoint;
    await world.given(...HISTORY);
    await until('the others are there', () => existsSync(world.live('back/b.json')));
    await until('it waits', () => projector.status().state === 'waiting');
    const { 'units/u1.json': one, 'units/u1.json.prev': other, ...others } = expectedTree(HISTORY);
    expect([one, other, world.files()]).toEqual(['4', '1', others]);
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
    expect(world.files()).toEqual(expectedTree(HISTORY));
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
    const first = await world.start({ files });
    await first.projector.caughtUp();
    await world.given(...HISTORY);
    await until('it waits', () => first.projector.status().state === 'waiting');
    await first.stop();
    const { projector } = await world.start();
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree(HISTORY));
  });

  it('a delete of it passes', async () => {
    await world.given(published('a.json', '1'));
    const files = new FaultyFiles({ at: 1, lasts: 'from-then-on', code: 'ENOSPC', operations: ['write'] });
    files.heal();
    const { projector } = await world.start({ files });
    await projector.caughtUp();
    await projector.close();
    const full = await world.start({
      files: new FaultyFiles({ at: 1, lasts: 'from-then-on', code: 'ENOSPC', operations: ['createFile'] }),
    });
    await world.given(published('a.json', '2'));
    await until('it waits', () => full.projector.status().state === 'waiting');
    expect(world.files()).toEqual({ 'a.json': '1' });
    await world.given(deleted('a.json'));
    await full.projector.caughtUp();
    expect(world.files()).toEqual({});
    expect(full.projector.status()).toMatchObject({ state: 'running', pending: 0 });
  });

  it('too many of them pause the intake, and none is lost', async () => {
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'ENOSPC',
      operations: ['createFile'],
    });
    const { projector } = await world.start({ files, maxWaiting: 3 });
    await projector.caughtUp();
    const events = Array.from({ length: 5 }, (_, index) => published(`a${index}.json`, String(index)));
    for (const event of events) {
      await world.given(event);
      const { pending } = projector.status();
      if (pending < 3) await until('it waits', () => projector.status().pending > pending);
    }
    expect(projector.status().pending).toBe(3);
    files.heal();
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree(events));
  });

  it('too many of them keep no deletion back, which makes room', async () => {
    const before = [published('old.json', '1'), published('kept.json', '1')];
    await world.given(...before);
    await world.ran();
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'ENOSPC',
      operations: ['createFile'],
    });
    const { projector } = await world.start({ files, maxWaiting: 2 });
    await projector.caughtUp();
    const events = ['kept.json', 'a.json', 'b.json', 'old.json'].map((at) => published(at, '2'));
    await world.given(...events.slice(0, 2));
    await until('they wait', () => projector.status().pending === 2);
    const later = [...events.slice(2), deleted('old.json'), deleted('a.json')];
    await world.given(...later);
    await until('the deletions', () => !('old.json' in world.files()));
    expect(world.files()).toEqual({ 'kept.json': '1' });
    files.heal();
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree([...before, ...events.slice(0, 2), ...later]));
    expect(projector.status()).toMatchObject({ state: 'running', pending: 0 });
  });

  it('gives way to a replay, which writes all of it elsewhere', async () => {
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'EIO',
      operations: ['createFile'],
      where: '000001/units/u1.json',
    });
    const { projector } = await world.start({ files });
    await projector.caughtUp();
    await world.given(...HISTORY);
    await until('it waits', () => projector.status().state === 'waiting');
    await projector.replay(EVERYTHING, noProgress);
    expect(projector.status()).toMatchObject({ state: 'running', pending: 0 });
    expect(world.files()).toEqual(expectedTree(HISTORY));
  });
});

const skipped = whyNoSmallDisk();
(skipped === null ? describe : describe.skip)(
  `on a disk of its own${skipped === null ? '' : ` (${skipped})`}`,
  () => {
    it('a full disk keeps the old versions live, and it goes on by itself when there is room', async () => {
      const disk = mountSmallDisk(4);
      world.onDispose(() => disk.remove());
      world.dataDir = join(disk.path, 'data');
      const filling = join(disk.path, 'filling');
      const events: NewEvent[] = [published('a.json', '1'), published('b.json', '2')];
      await world.given(...events);
      const { projector } = await world.start();
      await projector.caughtUp();
      expect(() => writeFileSync(filling, Buffer.alloc(2 ** 23))).toThrow('ENOSPC');
      const more = [published('a.json', '1'.repeat(100_000)), published('d/c.json', '2'.repeat(100_000))];
      await world.given(...more);
      await until('it waits', () => projector.status().state === 'waiting');
      expect(world.files()).toEqual(expectedTree(events));
      // Deleting needs no room, and makes some.
      await world.given(deleted('b.json'));
      await until('the delete has passed', () => !existsSync(world.live('b.json')));
      rmSync(filling);
      await projector.caughtUp();
      expect(world.files()).toEqual(expectedTree([...events, ...more, deleted('b.json')]));
    });

    it('read-only files are waited for', async () => {
      const disk = mountSmallDisk(8);
      world.onDispose(() => disk.remove());
      // The index lies elsewhere: it is the files that cannot be written.
      prepareDataDirectory(world.dataDir);
      mkdirSync(join(disk.path, '000001'));
      await world.ran();
      rmSync(world.at('generations/000001'), { recursive: true });
      symlinkSync(join(disk.path, '000001'), world.at('generations/000001'));
      const again = await world.start();
      await world.given(...HISTORY);
      await again.projector.caughtUp();
      disk.remountReadOnly();
      await world.given(published('units/u1.json', '44'), deleted('units/u2.json'));
      await until('it waits', () => again.projector.status().pending === 2);
      expect(again.projector.status().reason).toContain('mounted read-only');
      expect(world.files()).toEqual(expectedTree(HISTORY));
      disk.remountWritable();
      await again.projector.caughtUp();
      expect(world.files()).toMatchObject({ 'units/u1.json': '44', 'units/u1.json.prev': '4' });
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
