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
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryEventStore, MemoryLog, OTHER_LOG_ID, published } from '@holdfast/domain/testing';
import { expectedTree, FaultyFiles, HISTORY, readTree } from '@holdfast/storage/testing';
import { until } from './testing/local-node.ts';
import { EVERYTHING, LocalWorld, noProgress } from './testing/local-world.ts';

let world: LocalWorld;
beforeEach(() => {
  world = new LocalWorld();
});
afterEach(() => world.dispose());

describe('what is lost comes back by itself', () => {
  const losses: Record<string, () => void> = {
    'the content link is deleted': () => rmSync(world.at('content')),
    'the content link leads elsewhere': () => {
      rmSync(world.at('content'));
      symlinkSync('/tmp', world.at('content'));
    },
    'the generation is deleted': () => rmSync(world.at('generations/000001'), { recursive: true }),
    'the generation is emptied': () => {
      for (const name of readdirSync(world.live())) rmSync(world.live(name), { recursive: true });
    },
    'one file is deleted': () => rmSync(world.live('units/u2.json')),
    'one file is cut short': () => truncateSync(world.live('units/u2.json'), 0),
    'the index is deleted': () => rmSync(world.at('generations/000001.db')),
    'the index is damaged': () => writeFileSync(world.at('generations/000001.db'), Buffer.alloc(8192, 'x')),
    'the index was never finished': () => writeFileSync(world.at('generations/000001.db'), ''),
    'everything but the log is deleted': () => rmSync(world.dataDir, { recursive: true }),
  };

  for (const [what, lose] of Object.entries(losses)) {
    it(`ES-003 when ${what}`, async () => {
      await world.given(...HISTORY);
      await world.ran();
      lose();
      const { projector, lines } = await world.start();
      await projector.caughtUp();
      expect(world.files()).toEqual(expectedTree(HISTORY));
      expect(lines[0]).toMatchObject({ level: 'info', message: 'building the local files from the log' });
      await world.given(published('units/u2.json', '22'));
      await projector.caughtUp();
      expect(world.files()).toMatchObject({ 'units/u2.json': '22', 'units/u2.json.prev': '2' });
    });
  }

  const lossesWhileRunning: Record<string, () => void> = {
    'the content link is deleted': () => rmSync(world.at('content')),
    'the generation is deleted': () => rmSync(world.at('generations/000001'), { recursive: true }),
    'the index is deleted': () => rmSync(world.at('generations/000001.db')),
  };

  for (const [what, lose] of Object.entries(lossesWhileRunning)) {
    it(`ES-003 also while it runs, when ${what}`, async () => {
      await world.given(...HISTORY);
      const { projector } = await world.start();
      await projector.caughtUp();
      lose();
      const next = published('units/u2.json', '22');
      await world.given(next);
      await until('it is back', () => existsSync(world.at('generations/000002.db')));
      await projector.caughtUp();
      expect(world.files()).toEqual(expectedTree([...HISTORY, next]));
      expect(projector.status()).toMatchObject({ state: 'running', pending: 0 });
    });
  }

  it('ES-003 when the index is damaged where only a write meets it', async () => {
    const many = Array.from({ length: 50 }, (_, index) => published(`many/a${index}.json`, String(index)));
    await world.given(...many);
    await world.ran();
    breakFreeList(world.at('generations/000001.db'));
    const { projector, lines } = await world.start();
    const more = Array.from({ length: 300 }, (_, index) =>
      published(`${'long/'.repeat(10)}b${index}.json`, String(index)),
    );
    await world.given(...more);
    await until('it is back', () => existsSync(world.live(more.at(-1)!.data.path)));
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree([...many, ...more]));
    expect(projector.status()).toMatchObject({ state: 'running', pending: 0 });
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({ facts: expect.objectContaining({ code: 'DATABASE_CORRUPT' }) }),
    ]);
    expect(world.generations()).toContain('000002.db');
  });

  it('beside what is there, which is kept once', async () => {
    await world.given(...HISTORY);
    for (let time = 1; time <= 3; time += 1) {
      await world.ran();
      rmSync(world.live('units/u2.json'));
    }
    expect(world.generations()).toEqual(['000002', '000002.db', '000003', '000003.db']);
  });

  it('first builds that were killed are removed before the next one is begun', async () => {
    await world.given(...HISTORY);
    for (const name of ['000001', '000002']) {
      mkdirSync(world.at('generations', name, 'units'), { recursive: true });
      writeFileSync(world.at('generations', name, 'units/u1.json'), 'half');
    }
    // The build fails at once, so only what comes before it can have removed them.
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'ENOSPC',
      operations: ['makeDirectory'],
    });
    const { projector } = await world.start({ files });
    await until('it waits', () => projector.status().state === 'waiting');
    expect(world.generations()).toEqual([]);
    files.heal();
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree(HISTORY));
    expect(world.generations()).toHaveLength(2);
  });

  it('builds that a crash cut short are removed', async () => {
    await world.given(...HISTORY);
    await world.ran();
    mkdirSync(world.at('generations/000002/units'), { recursive: true });
    writeFileSync(world.at('generations/000002/units/u1.json'), 'half');
    writeFileSync(world.at('generations/000002.db'), '');
    symlinkSync('generations/000002', world.at('content.tmp'));
    const { projector } = await world.start();
    await projector.caughtUp();
    expect(world.files()).toEqual(expectedTree(HISTORY));
    expect(world.generations()).toEqual(['000001', '000001.db']);
    await projector.replay(EVERYTHING, noProgress);
    expect(readdirSync(world.dataDir).filter((name) => name.startsWith('content'))).toEqual(['content']);
  });
});

describe('what is not ours to write to', () => {
  const files = (): Record<string, string | null> => {
    const tree = readTree(world.at('generations'));
    return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.includes('.db')));
  };

  it('LOG_MISMATCH: generations of another log are left alone', async () => {
    await world.given(...HISTORY);
    await world.ran();
    const before = files();
    world.store = new MemoryEventStore(new MemoryLog(OTHER_LOG_ID));
    await world.given(published('a.json', '9'));
    for (const lose of [() => undefined, () => rmSync(world.at('content'))]) {
      lose();
      const { projector, lines, stop } = await world.start();
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
    expect(existsSync(world.at('content'))).toBe(false);
  });

  it('LOG_MISMATCH: so is a generation that is ahead of the log', async () => {
    await world.given(...HISTORY);
    await world.ran();
    const before = files();
    world.store = new MemoryEventStore();
    await world.given(...HISTORY.slice(0, 2));
    const { projector } = await world.start();
    expect(projector.status()).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('it is an older copy'),
    });
    expect(files()).toEqual(before);
  });

  it('SCHEMA_TOO_NEW: an index that a newer version wrote is not built over', async () => {
    await world.given(...HISTORY);
    await world.ran();
    const db = new DatabaseSync(world.at('generations/000001.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    const { projector } = await world.start();
    expect(projector.status()).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('SCHEMA_TOO_NEW'),
    });
    expect(world.generations()).toEqual(['000001', '000001.db']);
    expect(world.files()).toEqual(expectedTree(HISTORY));
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
