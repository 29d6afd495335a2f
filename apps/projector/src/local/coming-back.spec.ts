import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ReplayParameters } from '@holdfast/domain';
import { MemoryEventStore, MemoryLog, OTHER_LOG_ID, published, record } from '@holdfast/domain/testing';
import { expectedTree, FaultyFiles, HISTORY, readTree, temporaryDirectory } from '@holdfast/storage/testing';
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

describe('what is lost comes back by itself', () => {
  const losses: Record<string, () => void> = {
    'the content link is deleted': () => rmSync(join(dataDir, 'content')),
    'the content link leads elsewhere': () => {
      rmSync(join(dataDir, 'content'));
      symlinkSync('/tmp', join(dataDir, 'content'));
    },
    'the generation is deleted': () => rmSync(join(dataDir, 'generations/000001'), { recursive: true }),
    'the generation is emptied': () => {
      for (const name of readdirSync(content())) rmSync(join(content(), name), { recursive: true });
    },
    'one file is deleted': () => rmSync(join(content(), 'units/u2.json')),
    'one file is cut short': () => truncateSync(join(content(), 'units/u2.json'), 0),
    'the index is deleted': () => rmSync(join(dataDir, 'generations/000001.db')),
    'the index is damaged': () =>
      writeFileSync(join(dataDir, 'generations/000001.db'), Buffer.alloc(8192, 'x')),
    'the index was never finished': () => writeFileSync(join(dataDir, 'generations/000001.db'), ''),
    'everything but the log is deleted': () => rmSync(dataDir, { recursive: true }),
  };

  for (const [what, lose] of Object.entries(losses)) {
    it(`ES-003 when ${what}`, async () => {
      await record(store, ...HISTORY);
      const first = await start();
      await first.projector.caughtUp();
      await first.stop();
      lose();
      const { projector, lines } = await start();
      await projector.caughtUp();
      expect(live()).toEqual(expectedTree(HISTORY));
      expect(lines[0]).toMatchObject({ level: 'info', message: 'building the local files from the log' });
      await record(store, published('units/u2.json', '22'));
      await projector.caughtUp();
      expect(live()).toMatchObject({ 'units/u2.json': '22', 'units/u2.json.prev': '2' });
    });
  }

  const lossesWhileRunning: Record<string, () => void> = {
    'the content link is deleted': () => rmSync(join(dataDir, 'content')),
    'the generation is deleted': () => rmSync(join(dataDir, 'generations/000001'), { recursive: true }),
    'the index is deleted': () => rmSync(join(dataDir, 'generations/000001.db')),
  };

  for (const [what, lose] of Object.entries(lossesWhileRunning)) {
    it(`ES-003 also while it runs, when ${what}`, async () => {
      await record(store, ...HISTORY);
      const { projector } = await start();
      await projector.caughtUp();
      lose();
      const next = published('units/u2.json', '22');
      await record(store, next);
      await until('it is back', () => existsSync(join(dataDir, 'generations/000002.db')));
      await projector.caughtUp();
      expect(live()).toEqual(expectedTree([...HISTORY, next]));
      expect(projector.status()).toMatchObject({ state: 'running', pending: 0 });
    });
  }

  it('ES-003 when the index is damaged where only a write meets it', async () => {
    const many = Array.from({ length: 50 }, (_, index) => published(`many/a${index}.json`, String(index)));
    await record(store, ...many);
    const first = await start();
    await first.projector.caughtUp();
    await first.stop();
    breakFreeList(join(dataDir, 'generations/000001.db'));
    const { projector, lines } = await start();
    const more = Array.from({ length: 300 }, (_, index) =>
      published(`${'long/'.repeat(10)}b${index}.json`, String(index)),
    );
    await record(store, ...more);
    await until('it is back', () => existsSync(join(content(), more.at(-1)!.data.path)));
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree([...many, ...more]));
    expect(projector.status()).toMatchObject({ state: 'running', pending: 0 });
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({ facts: expect.objectContaining({ code: 'DATABASE_CORRUPT' }) }),
    ]);
    expect(generations()).toContain('000002.db');
  });

  it('beside what is there, which is kept once', async () => {
    await record(store, ...HISTORY);
    for (let time = 1; time <= 3; time += 1) {
      const { projector, stop } = await start();
      await projector.caughtUp();
      await stop();
      rmSync(join(content(), 'units/u2.json'));
    }
    expect(generations()).toEqual(['000002', '000002.db', '000003', '000003.db']);
  });

  it('first builds that were killed are removed before the next one is begun', async () => {
    await record(store, ...HISTORY);
    for (const name of ['000001', '000002']) {
      mkdirSync(join(dataDir, 'generations', name, 'units'), { recursive: true });
      writeFileSync(join(dataDir, 'generations', name, 'units/u1.json'), 'half');
    }
    // The build fails at once, so only what comes before it can have removed them.
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'ENOSPC',
      operations: ['makeDirectory'],
    });
    const { projector } = await start({ files });
    await until('it waits', () => projector.status().state === 'waiting');
    expect(generations()).toEqual([]);
    files.heal();
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree(HISTORY));
    expect(generations()).toHaveLength(2);
  });

  it('builds that a crash cut short are removed', async () => {
    await record(store, ...HISTORY);
    const first = await start();
    await first.projector.caughtUp();
    await first.stop();
    mkdirSync(join(dataDir, 'generations/000002/units'), { recursive: true });
    writeFileSync(join(dataDir, 'generations/000002/units/u1.json'), 'half');
    writeFileSync(join(dataDir, 'generations/000002.db'), '');
    symlinkSync('generations/000002', join(dataDir, 'content.tmp'));
    const { projector } = await start();
    await projector.caughtUp();
    expect(live()).toEqual(expectedTree(HISTORY));
    expect(generations()).toEqual(['000001', '000001.db']);
    await projector.replay(EVERYTHING, noProgress);
    expect(readdirSync(dataDir).filter((name) => name.startsWith('content'))).toEqual(['content']);
  });
});

describe('what is not ours to write to', () => {
  const files = (): Record<string, string | null> => {
    const tree = readTree(join(dataDir, 'generations'));
    return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.includes('.db')));
  };

  it('LOG_MISMATCH: generations of another log are left alone', async () => {
    await record(store, ...HISTORY);
    const first = await start();
    await first.projector.caughtUp();
    await first.stop();
    const before = files();
    store = new MemoryEventStore(new MemoryLog(OTHER_LOG_ID));
    await record(store, published('a.json', '9'));
    for (const lose of [() => undefined, () => rmSync(join(dataDir, 'content'))]) {
      lose();
      const { projector, lines, stop } = await start();
      expect(projector.status()).toMatchObject({
        state: 'stopped',
        reason: expect.stringContaining('LOG_MISMATCH'),
        checkpoint: null,
      });
      expect(lines).toEqual([expect.objectContaining({ level: 'error' })]);
      await expect(projector.replay(EVERYTHING, noProgress)).rejects.toMatchObject({ code: 'LOG_MISMATCH' });
      await projector.caughtUp();
      expect(files()).toEqual(before);
      await stop();
    }
    expect(existsSync(join(dataDir, 'content'))).toBe(false);
  });

  it('LOG_MISMATCH: so is a generation that is ahead of the log', async () => {
    await record(store, ...HISTORY);
    const first = await start();
    await first.projector.caughtUp();
    await first.stop();
    const before = files();
    store = new MemoryEventStore();
    await record(store, ...HISTORY.slice(0, 2));
    const { projector } = await start();
    expect(projector.status()).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('it is an older copy'),
    });
    expect(files()).toEqual(before);
  });

  it('SCHEMA_TOO_NEW: an index that a newer version wrote is not built over', async () => {
    await record(store, ...HISTORY);
    const first = await start();
    await first.projector.caughtUp();
    await first.stop();
    const db = new DatabaseSync(join(dataDir, 'generations/000001.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    const { projector } = await start();
    expect(projector.status()).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('SCHEMA_TOO_NEW'),
    });
    expect(generations()).toEqual(['000001', '000001.db']);
    expect(live()).toEqual(expectedTree(HISTORY));
  });
});

/** Has the header of a SQLite file name free pages that do not exist. */
function breakFreeList(file: string): void {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(2, 0);
  header.writeUInt32BE(0x00ffffff, 4);
  const fd = openSync(file, 'r+');
  writeSync(fd, header, 0, header.length, 32);
  closeSync(fd);
}
