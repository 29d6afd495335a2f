import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EventStore, type LogBackup, sha256Of, systemClock } from '@holdfast/domain';
import { deleted, published, readWholeLog, record } from '@holdfast/domain/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSqliteEventStore } from './sqlite-event-store.ts';

let directory: string;
let file: string;
let opened: EventStore[];

const open = async (
  o: { file?: string; createIfMissing?: boolean } = {},
): Promise<EventStore & LogBackup> => {
  const name = o.file ?? file;
  const store = await openSqliteEventStore({
    file: name,
    bellFile: `${name}.bell`,
    clock: systemClock,
    createIfMissing: o.createIfMissing ?? true,
  });
  opened.push(store);
  return store;
};

/** Changes the file behind the store's back. */
const meddle = (sql: string): void => {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-log-'));
  file = join(directory, 'events.db');
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  rmSync(directory, { recursive: true });
});

describe('opening the log', () => {
  it('keeps its identity and its events', async () => {
    const first = await open();
    await record(first, published('units/a.json'), deleted('units/a.json'));
    const [identity, whole] = [await first.identity(), await readWholeLog(first, { withBodies: true })];
    await first.close();
    const second = await open({ createIfMissing: false });
    expect(await second.identity()).toBe(identity);
    expect(await readWholeLog(second, { withBodies: true })).toEqual(whole);
  });

  it('gives every new log an identity of its own, and one only when several processes begin it', async () => {
    const both = await Promise.all([open(), open()]);
    expect(await both[0].identity()).toBe(await both[1].identity());
    expect(await (await open({ file: join(directory, 'other.db') })).identity()).not.toBe(
      await both[0].identity(),
    );
  });

  it('does not make a log where one should be', async () => {
    const failure = { code: 'DATA_DIR_UNUSABLE', message: expect.stringContaining('missing') };
    await expect(open({ createIfMissing: false })).rejects.toMatchObject(failure);
    expect(readdirSync(directory)).toEqual([]);
    writeFileSync(file, '');
    await expect(open({ createIfMissing: false })).rejects.toMatchObject(failure);
    expect(readFileSync(file)).toHaveLength(0);
  });

  it('refuses a file that is no log, is damaged, or was written by a newer version, and leaves it as it is', async () => {
    await (await open()).close();
    const good = readFileSync(file);
    const damaged = Buffer.concat([good.subarray(0, 100), Buffer.alloc(good.length - 100, 0xa5)]);
    for (const bytes of [Buffer.alloc(20_000, 'no log '), damaged]) {
      writeFileSync(file, bytes);
      await expect(open()).rejects.toMatchObject({ code: 'DATABASE_CORRUPT', kind: 'fatal' });
      expect(readFileSync(file).equals(bytes)).toBe(true);
    }
    writeFileSync(file, good);
    meddle('PRAGMA user_version = 7');
    await expect(open()).rejects.toMatchObject({ code: 'SCHEMA_TOO_NEW', kind: 'fatal' });
  });

  it('refuses a log that has lost its first event', async () => {
    await record(await open(), deleted('units/a.json'));
    meddle('DELETE FROM events WHERE position = 1');
    await expect(open()).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
  });
});

describe('a log in use', () => {
  it('takes no more events once its file has been moved away, and goes on when it is back', async () => {
    const store = await open();
    renameSync(file, `${file}.away`);
    const refused = { code: 'LOG_MISMATCH', kind: 'fatal' };
    await expect(store.append('content-a', [deleted('units/a.json')], 'none')).rejects.toMatchObject(refused);
    writeFileSync(file, 'another file');
    await expect(store.head()).rejects.toMatchObject(refused);
    renameSync(`${file}.away`, file);
    await store.append('content-a', [deleted('units/a.json')], 'none');
  });

  it('refuses positions that another kind of log gave out', async () => {
    const store = await open();
    const refused = { code: 'LOG_MISMATCH' };
    await expect(store.readLog({ after: 'C:12/P:12', maxCount: 1 })).rejects.toMatchObject(refused);
    await expect(store.readAt(['12'])).rejects.toMatchObject(refused);
  });

  it('goes on after an append that SQLite could not carry out, of which nothing is left', async () => {
    const store = await open();
    meddle(
      `CREATE TRIGGER full BEFORE INSERT ON bodies WHEN length(new.body) = 666 BEGIN SELECT raise(ABORT, 'no'); END`,
    );
    const bad = published('units/bad.json', JSON.stringify('x'.repeat(664)));
    const failed = [
      store.append('content-bad', [deleted('units/bad.json'), bad], 'none'),
      store.append('content-beside', [deleted('units/beside.json')], 'none'),
    ];
    await expect(Promise.all(failed)).rejects.toMatchObject({ code: 'INTERNAL' });
    await Promise.allSettled(failed);
    expect(await readWholeLog(store)).toHaveLength(1);
    meddle('DROP TRIGGER full');
    expect(await store.append('content-bad', [bad], 'none')).toMatchObject({ version: 0 });
  });
});

describe('backupTo', () => {
  /** Every event with its body, short enough to compare. */
  const summary = async (store: EventStore): Promise<string[]> =>
    (await readWholeLog(store, { withBodies: true })).map((event) => {
      const body = event.type === 'ContentPublished' ? sha256Of(event.body ?? Buffer.alloc(0)) : '';
      return [event.position, event.id, event.stream, event.version, body].join(' ');
    });

  it('copies the whole log as of one moment, while others append', async () => {
    const store = await open();
    for (let batch = 0; batch < 20; batch += 1) {
      const events = Array.from({ length: 50 }, () =>
        published('units/a.json', JSON.stringify('x'.repeat(9_000))),
      );
      await store.append('content-a', events, 'any');
    }
    const before = await summary(store);
    let [isDone, turns] = [false, 0];
    const backup = store.backupTo(join(directory, 'copy.db')).then(() => {
      isDone = true;
    });
    while (!isDone) {
      await Promise.all(
        Array.from({ length: 3 }, () => store.append('content-b', [deleted('units/b.json')], 'any')),
      );
      turns += 1;
      await nextTurn();
    }
    await backup;
    const copy = await open({ file: join(directory, 'copy.db'), createIfMissing: false });
    expect(await copy.identity()).toBe(await store.identity());
    const copied = await summary(copy);
    expect(copied.slice(0, before.length)).toEqual(before);
    expect(copied).toEqual((await summary(store)).slice(0, copied.length));
    expect(turns).toBeGreaterThan(1);
    expect(await copy.append('content-c', [deleted('units/c.json')], 'none')).toMatchObject({ version: 0 });
  });

  it('replaces no file, and leaves nothing when it fails', async () => {
    const store = await open();
    const target = join(directory, 'copy.db');
    writeFileSync(target, 'precious');
    const names = readdirSync(directory);
    await expect(store.backupTo(target)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' });
    await expect(store.backupTo(join(directory, 'none', 'copy.db'))).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
    });
    expect(readFileSync(target, 'utf8')).toBe('precious');
    expect(readdirSync(directory)).toEqual(names);
  });
});
