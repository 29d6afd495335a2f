import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type NewEvent, type ReplayParameters } from '@holdfast/domain';
import { deleted, published } from '@holdfast/domain/testing';
import { nodeFileOperations, prepareDataDirectory } from '@holdfast/storage';
import { expectedTree, HISTORY, unreadableEvent, FaultyFiles, readTree } from '@holdfast/storage/testing';
import type { ReplayProgress } from './build-generation.ts';
import { EVERYTHING, LocalWorld, noProgress } from './testing/local-world.ts';

const UNREADABLE = unreadableEvent('content-units/u2.json', 1);

let world: LocalWorld;
beforeEach(() => {
  world = new LocalWorld();
});
afterEach(() => world.dispose());

describe('a replay', () => {
  it('ES-003 builds the same tree again, `.prev` included, and keeps the one before', async () => {
    await world.given(...HISTORY);
    const { projector } = await world.start();
    await projector.caughtUp();
    const progress: ReplayProgress[] = [];
    const counts = await projector.replay(EVERYTHING, {
      ...noProgress,
      onProgress: (step) => progress.push(step),
    });
    expect(counts).toEqual({ documents: 4, previous: 1, bytes: 4, generation: 2 });
    expect(readlinkSync(world.at('content'))).toBe('generations/000002');
    expect(world.files()).toEqual(readTree(world.at('generations/000001')));
    expect(progress[0]).toEqual({ phase: 'building', done: 5, total: 5 });
    expect(progress.map(({ phase }) => phase)).toContain('flipping');
    await projector.replay(EVERYTHING, noProgress);
    expect(world.generations()).toEqual(['000002', '000002.db', '000003', '000003.db']);
  });

  it('goes beside publishing, misses nothing, and no reader ever misses a file', async () => {
    await world.given(published('a/steady.json', '0'));
    const { projector } = await world.start();
    await projector.caughtUp();
    const events: NewEvent[] = [];
    let isReplaying = true;
    let misses = 0;
    const publishing = (async () => {
      for (let index = 0; isReplaying; index += 1) {
        const path = `n/${index % 7}.json`;
        const event = index % 5 === 4 ? deleted(path) : published(path, String(index));
        events.push(event);
        await world.given(event);
        await new Promise(setImmediate);
      }
    })();
    const reading = (async () => {
      while (isReplaying) {
        try {
          readFileSync(world.live('a/steady.json'));
        } catch {
          misses += 1;
        }
        await new Promise(setImmediate);
      }
    })();
    for (let time = 0; time < 5; time += 1) await projector.replay(EVERYTHING, noProgress);
    isReplaying = false;
    await Promise.all([publishing, reading]);
    await projector.caughtUp();
    expect(world.files()).toEqual({ 'a/steady.json': '0', ...expectedTree(events) });
    expect(events.length).toBeGreaterThan(20);
    expect(misses).toBe(0);
  });

  it('leaves nothing when it is aborted, and can be asked for again', async () => {
    await world.given(...HISTORY);
    const { projector } = await world.start();
    await projector.caughtUp();
    const stop = new AbortController();
    const replay = projector.replay(EVERYTHING, { onProgress: () => stop.abort(), signal: stop.signal });
    await expect(replay).rejects.toMatchObject({ name: 'AbortError' });
    expect(world.generations()).toEqual(['000001', '000001.db']);
    expect(await projector.replay(EVERYTHING, noProgress)).toMatchObject({ generation: 2 });
  });

  it('leaves nothing when the disk is full, whichever step meets it', async () => {
    await world.given(...HISTORY);
    await world.ran();
    for (let at = 1; ; at += 1) {
      const files = new FaultyFiles({
        at,
        lasts: 'once',
        code: 'ENOSPC',
        operations: ['createFile', 'write', 'makeDirectory', 'symlink', 'rename'],
        where: '',
      });
      const { projector, stop: stopAgain } = await world.start({ files });
      await projector.caughtUp();
      const before = readlinkSync(world.at('content'));
      const outcome = await projector.replay(EVERYTHING, noProgress).catch((error: unknown) => error);
      expect(world.files()).toEqual(expectedTree(HISTORY));
      await stopAgain();
      if (!files.hasFailed) {
        expect(at).toBeGreaterThan(10);
        return;
      }
      expect(outcome).toMatchObject({ code: 'DISK_FULL' });
      expect(readlinkSync(world.at('content'))).toBe(before);
      expect(world.generations()).toEqual(['000001', '000001.db']);
    }
  });
});

describe('a replay whose flip fails after the link was renamed', () => {
  it('goes on with the generation that is live, and tells of the failed flush', async () => {
    await world.given(...HISTORY);
    await world.ran();
    let isFailing = false;
    const files = {
      ...nodeFileOperations,
      flushPath: (path: string): void => {
        if (isFailing && path === world.dataDir) {
          throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' });
        }
        nodeFileOperations.flushPath(path);
      },
    };
    const { projector, lines } = await world.start({ files });
    await projector.caughtUp();
    isFailing = true;
    expect(await projector.replay(EVERYTHING, noProgress)).toMatchObject({ generation: 2 });
    expect(readlinkSync(world.at('content'))).toBe('generations/000002');
    expect(world.files()).toEqual(expectedTree(HISTORY));
    expect(lines).toEqual([
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('EIO') }),
    ]);
    const next = published('units/u2.json', '22');
    await world.given(next);
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree([...HISTORY, next]));
  });
});

describe('an old generation that cannot be removed', () => {
  it('keeps neither a replay nor the intake, and is removed by the next start that can', async () => {
    await world.given(...HISTORY);
    const first = await world.start();
    await first.projector.caughtUp();
    await first.projector.replay(EVERYTHING, noProgress);
    const index = world.at('generations/000001.db');
    rmSync(index);
    mkdirSync(index);
    expect(await first.projector.replay(EVERYTHING, noProgress)).toMatchObject({ generation: 3 });
    await first.stop();
    const second = await world.start();
    const next = published('units/u2.json', '22');
    await world.given(next);
    await second.projector.caughtUp();
    expect(world.files()).toEqual(expectedTree([...HISTORY, next]));
    expect(second.projector.status().state).toBe('running');
    for (const { lines } of [first, second]) {
      expect(lines.filter(({ level }) => level === 'warn')).toEqual([
        expect.objectContaining({
          facts: expect.objectContaining({ code: 'STORAGE_UNAVAILABLE', file: index }),
        }),
      ]);
    }
    await second.stop();
    rmSync(index, { recursive: true });
    const third = await world.start();
    await third.projector.caughtUp();
    expect(world.generations()).toEqual(['000002', '000002.db', '000003', '000003.db']);
  });
});

describe('a replay to a directory', () => {
  let out: string;
  beforeEach(() => {
    out = join(world.directory, 'elsewhere/out');
  });

  const replayTo = async (parameters: Partial<ReplayParameters>): Promise<unknown> => {
    const { projector, stop } = await world.start();
    try {
      return await projector.replay({ ...EVERYTHING, out, ...parameters }, noProgress);
    } finally {
      await stop();
    }
  };

  it('writes the tree as it is, and leaves the live one alone', async () => {
    await world.given(...HISTORY);
    expect(await replayTo({})).toEqual({ documents: 4, previous: 1, bytes: 4 });
    expect(readTree(out)).toEqual(expectedTree(HISTORY));
    expect(readdirSync(join(out, '..'))).toEqual(['out']);
    expect(world.generations()).toEqual(['000001', '000001.db']);
  });

  it('writes the tree as it was at each position', async () => {
    const appended = await world.given(...HISTORY);
    const { projector } = await world.start();
    for (const [index, { position }] of appended.entries()) {
      const at = join(out, String(index));
      await projector.replay({ until: { position }, prefix: null, out: at }, noProgress);
      expect(readTree(at)).toEqual(expectedTree(HISTORY.slice(0, index + 1)));
    }
  });

  it('writes the tree as it was at an instant', async () => {
    const at = (minute: number, event: NewEvent): NewEvent => ({
      ...event,
      metadata: { ...event.metadata, at: `2026-01-05T08:${String(minute).padStart(2, '0')}:00.000Z` },
    });
    const history = HISTORY.map((event, index) => at(index, event));
    await world.given(...history);
    await replayTo({ until: { instant: '2026-01-05T08:03:30.000Z' } });
    expect(readTree(out)).toEqual(expectedTree(history.slice(0, 4)));
  });

  it('finds the version of that moment behind any number of later ones', async () => {
    const versions = Array.from({ length: 130 }, (_, index) => published('a.json', String(index)));
    const appended = await world.given(...versions);
    await replayTo({ until: { position: appended[3]!.position } });
    expect(readTree(out)).toEqual({ 'a.json': '3', 'a.json.prev': '2' });
  });

  it('writes only what begins with the prefix', async () => {
    await world.given(...HISTORY);
    await replayTo({ prefix: 'units/u1' });
    expect(readTree(out)).toEqual({ 'units/u1.json': '4', 'units/u1.json.prev': '1' });
  });

  it('a part, or a moment, never becomes the live tree', async () => {
    for (const part of [{ prefix: 'units/' }, { until: { position: '0000000000000001' } }]) {
      await expect(replayTo({ ...part, out: null })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    }
  });

  it('OUT_DIRECTORY_INVALID where it is relative, inside the data directory, a file, or not empty', async () => {
    mkdirSync(join(world.directory, 'used'));
    writeFileSync(join(world.directory, 'used/kept.txt'), 'kept');
    prepareDataDirectory(world.dataDir);
    symlinkSync(world.dataDir, join(world.directory, 'linked'));
    const invalid = [
      'relative/out',
      '/',
      world.at('content'),
      world.at('out'),
      world.dataDir,
      join(world.directory, 'linked/out'),
      join(world.directory, 'used/kept.txt'),
      join(world.directory, 'used'),
    ];
    for (const each of invalid) {
      await expect(replayTo({ out: each })).rejects.toMatchObject({
        code: 'OUT_DIRECTORY_INVALID',
        context: { out: each },
      });
    }
    expect(readTree(join(world.directory, 'used'))).toEqual({ 'kept.txt': 'kept' });
    expect(lstatSync(world.dataDir).isDirectory()).toBe(true);
  });

  it('takes an empty directory, and what a run that was killed has left', async () => {
    await world.given(...HISTORY);
    mkdirSync(out, { recursive: true });
    mkdirSync(join(out, '../.out.holdfast-replay/units'), { recursive: true });
    writeFileSync(join(out, '../.out.holdfast-replay/units/u9.json'), 'half');
    await replayTo({});
    expect(readTree(out)).toEqual(expectedTree(HISTORY));
  });

  it('stops at an event that cannot be read, and leaves nothing', async () => {
    await world.given(...HISTORY);
    world.store.log.write(UNREADABLE);
    await expect(replayTo({ until: { position: await world.store.head() } })).rejects.toMatchObject({
      code: 'EVENT_UNREADABLE',
    });
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(join(out, '..'))).toEqual([]);
  });
});
