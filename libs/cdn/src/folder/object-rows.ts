import type { BigIntStats } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction, openDatabase } from '@holdfast/sqlite';

/** What a file has no room for: one row for each object that was put. */
export interface ObjectRow {
  readonly key: string;
  /** Which file the row was written for; see `stampOf`. */
  readonly stamp: string;
  readonly md5: string;
  readonly contentType: string;
  readonly cacheControl: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

const MIGRATIONS = [
  `CREATE TABLE objects (
     key TEXT PRIMARY KEY,
     stamp TEXT NOT NULL,
     md5 TEXT NOT NULL,
     content_type TEXT NOT NULL,
     cache_control TEXT,
     metadata TEXT NOT NULL
   ) STRICT, WITHOUT ROWID`,
];

/**
 * Another file, or other bytes in the same file, have another stamp, also where somebody set the time of modification
 * back; a copied file has one too.
 */
export const stampOf = (stat: BigIntStats): string =>
  `${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.ino}`;

/** When an object was put: its file is never written again. */
export const modifiedMsOf = (stat: BigIntStats): number => Number(stat.mtimeMs);

/** Headers and metadata of a folder bucket's objects. All calls are synchronous. */
export class ObjectRows {
  readonly #db: DatabaseSync;
  readonly #find: StatementSync;
  readonly #stamps: StatementSync;
  readonly #save: StatementSync;
  readonly #delete: StatementSync;
  readonly #restamp: StatementSync;

  constructor(file: string) {
    // Full: a put is only answered when its metadata would survive a loss of power as its bytes do.
    this.#db = openDatabase(file, {
      durability: 'full',
      migrations: MIGRATIONS,
      what: 'the metadata of the folder bucket',
    });
    this.#find = this.#db.prepare('SELECT * FROM objects WHERE key = ?');
    this.#stamps = this.#db.prepare(
      'SELECT key, stamp, md5 FROM objects WHERE key >= ? ORDER BY key LIMIT ?',
    );
    this.#save = this.#db.prepare(
      `INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET stamp = excluded.stamp,
         md5 = excluded.md5, content_type = excluded.content_type, cache_control = excluded.cache_control,
         metadata = excluded.metadata`,
    );
    this.#delete = this.#db.prepare('DELETE FROM objects WHERE key = ?');
    this.#restamp = this.#db.prepare('UPDATE objects SET stamp = ? WHERE key = ? AND md5 = ?');
  }

  find(key: string): ObjectRow | null {
    const row = this.#find.get(key) as Record<string, string | null> | undefined;
    if (row === undefined) return null;
    return {
      key,
      stamp: row['stamp']!,
      md5: row['md5']!,
      contentType: row['content_type']!,
      cacheControl: row['cache_control']!,
      metadata: JSON.parse(row['metadata']!) as Record<string, string>,
    };
  }

  /**
   * @param from  inclusive
   * @returns in the order of the keys' UTF-8 bytes
   */
  stamps(from: string, maxCount: number): Pick<ObjectRow, 'key' | 'stamp' | 'md5'>[] {
    return this.#stamps.all(from, maxCount) as unknown as Pick<ObjectRow, 'key' | 'stamp' | 'md5'>[];
  }

  save(row: ObjectRow): void {
    const { key, stamp, md5, contentType, cacheControl, metadata } = row;
    this.#save.run(key, stamp, md5, contentType, cacheControl, JSON.stringify(metadata));
  }

  delete(key: string): void {
    this.#delete.run(key);
  }

  /** For objects whose bytes were found to be the row's in another file: they need no hashing next time. */
  restamp(objects: readonly { key: string; md5: string; stamp: string }[]): void {
    if (objects.length === 0) return;
    inTransaction(this.#db, () => {
      for (const { key, md5, stamp } of objects) this.#restamp.run(stamp, key, md5);
    });
  }

  /** Nobody else, in any process, changes objects of this bucket while `run` runs. */
  alone<T>(run: () => T): T {
    return inTransaction(this.#db, run);
  }

  close(): void {
    this.#db.close();
  }
}
