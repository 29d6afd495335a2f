import { existsSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '@holdfast/domain';
import { isBusy, openDatabase, translateSqliteError } from '@holdfast/sqlite';
import type { StoredEvent } from '../copy/stored-event.ts';
import { BODY, MIGRATIONS } from './schema.ts';

const WHAT = 'the event log';
/** A page may have so many bodies of 380 KiB. */
const PAGE_ROWS = 64;
const BUSY_TIMEOUT_MS = 500;

interface Row extends Omit<StoredEvent, 'body'> {
  readonly position: number;
  readonly bodyKind: number;
  readonly body: Uint8Array | null;
}

/** The log of one machine, read as it is stored, up to where it ended when it was opened. */
export class SqliteLogSource {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #last: number;
  /** Nobody else has the log open, and nobody can open it before `close`. */
  readonly isAlone: boolean;

  /** @throws DATA_DIR_UNUSABLE, DATABASE_CORRUPT, SCHEMA_TOO_NEW, STORAGE_UNAVAILABLE */
  constructor(file: string) {
    if (!existsSync(file)) {
      throw new HoldfastError('DATA_DIR_UNUSABLE', `There is no event log at ${file}.`, {
        context: { file },
      });
    }
    this.#file = file;
    this.#db = openDatabase(file, { durability: 'full', migrations: MIGRATIONS, what: WHAT });
    try {
      this.isAlone = this.#takeAlone();
      this.#last = this.#ask(() => {
        const row = this.#db.prepare('SELECT max(position) AS last FROM events').get();
        return (row?.['last'] as number | null) ?? 0;
      });
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** Of the streams whose names do not begin so. */
  countOutside(prefix: string): number {
    return this.#ask(() => {
      const sql = 'SELECT count(*) AS count FROM events WHERE position <= ? AND instr(stream, ?) <> 1';
      return this.#db.prepare(sql).get(this.#last, prefix)?.['count'] as number;
    });
  }

  *events(): Generator<StoredEvent, void, undefined> {
    const page = this.#db.prepare(
      `SELECT position, stream, version, id, type, v, data, metadata, body_kind AS bodyKind,
              body_reference AS bodyReference, body
       FROM events LEFT JOIN bodies USING (position)
       WHERE position > ? AND position <= ? ORDER BY position LIMIT ${PAGE_ROWS}`,
    );
    for (let after = 0; ;) {
      const rows = this.#ask(() => page.all(after, this.#last)) as unknown as Row[];
      for (const { position, bodyKind, ...event } of rows) {
        if (bodyKind === BODY.HERE && event.body === null) throw bodyMissing(event);
        yield event;
        after = position;
      }
      if (rows.length < PAGE_ROWS) return;
    }
  }

  close(): void {
    this.#db.close();
  }

  /** SQLite gives the exclusive lock of its WAL mode to a connection only while there is no other one. */
  #takeAlone(): boolean {
    this.#db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA locking_mode = EXCLUSIVE`);
    try {
      this.#db.exec('BEGIN EXCLUSIVE; COMMIT');
      return true;
    } catch (error) {
      if (!isBusy(error)) throw this.#translated(error);
      this.#db.exec('PRAGMA locking_mode = NORMAL');
      return false;
    }
  }

  #ask<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw this.#translated(error);
    }
  }

  #translated(error: unknown): HoldfastError {
    return translateSqliteError(error, { attempted: `to read ${WHAT}`, file: this.#file });
  }
}

const bodyMissing = ({ type, stream, version }: Omit<StoredEvent, 'body'>): HoldfastError =>
  new HoldfastError(
    'EVENT_UNREADABLE',
    `The body of ${type}, version ${version} of ${stream}, is missing from the event log. Restore the log from a backup.`,
    { context: { stream, version } },
  );
