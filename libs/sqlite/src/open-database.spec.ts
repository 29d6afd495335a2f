import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { databaseFiles, openDatabase, type OpenDatabaseOptions } from './open-database.ts';
import { inTransaction } from './transaction.ts';

const ONE = ['CREATE TABLE notes (text TEXT NOT NULL) STRICT'];
const TWO = [...ONE, "ALTER TABLE notes ADD COLUMN colour TEXT NOT NULL DEFAULT 'white'"];

describe('openDatabase', () => {
  let directory: string;
  let file: string;
  let opened: DatabaseSync[];

  const open = (options: Partial<OpenDatabaseOptions> = {}): DatabaseSync => {
    const db = openDatabase(file, { durability: 'full', migrations: ONE, what: 'the notes', ...options });
    opened.push(db);
    return db;
  };
  const pragma = (db: DatabaseSync, name: string): unknown =>
    Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const failure = (code: string, part = ''): unknown =>
    expect.objectContaining({ code, message: expect.stringContaining(part) });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-sqlite-'));
    file = join(directory, 'notes.db');
    opened = [];
  });

  afterEach(() => {
    for (const db of opened) if (db.isOpen) db.close();
    rmSync(directory, { recursive: true });
  });

  it('makes a database in WAL mode, as durable as was asked for', () => {
    const db = open();
    expect(pragma(db, 'journal_mode')).toBe('wal');
    expect(pragma(db, 'synchronous')).toBe(2);
    expect(pragma(open({ durability: 'normal' }), 'synchronous')).toBe(1);
    expect(pragma(db, 'user_version')).toBe(1);
    expect(pragma(db, 'page_size')).toBe(4096);
  });

  it('brings an older schema up to date and keeps what is there', () => {
    const older = open();
    older.exec("INSERT INTO notes VALUES ('kept')");
    older.close();
    const newer = open({ migrations: TWO });
    expect({ ...newer.prepare('SELECT * FROM notes').get() }).toEqual({ text: 'kept', colour: 'white' });
    expect(pragma(newer, 'user_version')).toBe(2);
  });

  it('leaves the schema as it was when bringing it up to date fails half way', () => {
    open().close();
    const broken = [...TWO, 'ALTER TABLE nothing ADD COLUMN x'];
    expect(() => open({ migrations: broken })).toThrow(failure('INTERNAL', 'the notes'));
    expect(pragma(open(), 'user_version')).toBe(1);
  });

  it('refuses a newer schema and changes nothing', () => {
    open({ migrations: TWO }).close();
    const before = readFileSync(file);
    expect(() => open()).toThrow(failure('SCHEMA_TOO_NEW', 'schema version 2'));
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('reads only what is there and up to date when told so', () => {
    expect(() => open({ readOnly: true })).toThrow(failure('DATA_DIR_UNUSABLE', file));
    const writer = open();
    writer.exec("INSERT INTO notes VALUES ('seen')");
    expect(() => open({ readOnly: true, migrations: TWO })).toThrow(failure('STORAGE_UNAVAILABLE'));
    const reader = open({ readOnly: true });
    expect(reader.prepare('SELECT text FROM notes').all()).toHaveLength(1);
    expect(() => {
      reader.exec("INSERT INTO notes VALUES ('no')");
    }).toThrow();
    writer.close();
    expect(reader.prepare('SELECT text FROM notes').all()).toHaveLength(1);
  });

  it.each([
    ['that is none', () => Buffer.from('This is a text, and none too short for a header. '.repeat(40))],
    [
      'whose first page is damaged',
      (good: Buffer) => Buffer.concat([good.subarray(0, 100), Buffer.alloc(good.length - 100, 0xa5)]),
    ],
  ])('says that a database %s is damaged', (_what, damage) => {
    open().close();
    writeFileSync(file, damage(readFileSync(file)));
    expect(() => open()).toThrow(failure('DATABASE_CORRUPT', file));
  });

  it('says which directory is missing', () => {
    file = join(directory, 'none', 'notes.db');
    expect(() => open()).toThrow(failure('DATA_DIR_UNUSABLE', file));
  });

  it('may be made by several processes at once', () => {
    const script = `
      const { openDatabase } = await import(${JSON.stringify(new URL('./open-database.ts', import.meta.url).href)});
      const db = openDatabase(${JSON.stringify(file)}, { durability: 'full', migrations: ${JSON.stringify(TWO)}, what: 'the notes' });
      db.exec("INSERT INTO notes (text) VALUES ('here')");
      db.close();`;
    const shell =
      'for i in 1 2 3 4 5 6; do "$0" --input-type=module -e "$1" & pids="$pids $!"; done; for p in $pids; do wait $p || exit 1; done';
    const { status, stderr } = spawnSync('sh', ['-c', shell, process.execPath, script], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(open({ migrations: TWO }).prepare('SELECT * FROM notes').all()).toHaveLength(6);
  });

  it('names the files that belong to a database', () => {
    const db = open();
    db.exec("INSERT INTO notes VALUES ('x')");
    expect(databaseFiles(file)).toEqual([file, `${file}-wal`, `${file}-shm`]);
    db.close();
    expect(databaseFiles(file)).toEqual([file]);
  });
});

describe('inTransaction', () => {
  it('stores all or nothing, and the database can be used on', () => {
    const db = openDatabase(':memory:', { durability: 'normal', migrations: ONE, what: 'the notes' });
    const insert = db.prepare('INSERT INTO notes VALUES (?)');
    const count = (): unknown => db.prepare('SELECT count(*) AS count FROM notes').get()?.['count'];
    expect(() =>
      inTransaction(db, () => {
        insert.run('one');
        throw new Error('changed its mind');
      }),
    ).toThrow('changed its mind');
    expect(count()).toBe(0);
    expect(inTransaction(db, () => insert.run('two').changes)).toBe(1);
    expect(count()).toBe(1);
    db.close();
  });
});
