import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '@holdfast/domain';
import { isBusy, translateSqliteError } from './sqlite-error.ts';
import { inTransaction } from './transaction.ts';

export interface OpenDatabaseOptions {
  /** `full`: a commit survives a loss of power; `normal`: it may not, but the file stays whole. */
  readonly durability: 'full' | 'normal';
  /** The file must exist and be up to date; nothing can be written. */
  readonly readOnly?: boolean;
  /** SQL per schema version: the first makes an empty file version 1. Only ever appended to. */
  readonly migrations: readonly string[];
  /** For messages: "the event log". */
  readonly what: string;
  /** How long a call waits, blocking the process, for another's lock. Default 5,000. */
  readonly busyTimeoutMs?: number;
  /** Only counts where the file is new. Default 4,096. */
  readonly pageSize?: number;
}

const BUSY_TIMEOUT_MS = 5_000;
const OPEN_DEADLINE_MS = 10_000;
const OPEN_RETRY_MS = 10;
/** What a burst leaves of the write-ahead log on disk. */
const KEPT_WAL_BYTES = 64 * 1024 * 1024;

/**
 * Opens a database in WAL mode, makes it where it is missing, and brings its schema up to date.
 * No other code of this process may open and close the file (with `fs`): that drops SQLite's locks.
 * @throws SCHEMA_TOO_NEW, DATABASE_CORRUPT, DATA_DIR_UNUSABLE, DISK_FULL; STORAGE_UNAVAILABLE where it
 *         stays locked, or is to be read only and not yet up to date
 */
export function openDatabase(file: string, options: OpenDatabaseOptions): DatabaseSync {
  const deadline = Date.now() + OPEN_DEADLINE_MS;
  for (;;) {
    try {
      return open(file, options);
    } catch (error) {
      // Two processes that make the file at the same moment: SQLite's own waiting does not cover all of it.
      if (!isBusy(error) || Date.now() > deadline) {
        throw translateSqliteError(error, {
          attempted: `to open ${options.what}`,
          file,
          busyCode: 'STORAGE_UNAVAILABLE',
        });
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_RETRY_MS);
    }
  }
}

function open(file: string, options: OpenDatabaseOptions): DatabaseSync {
  const readOnly = options.readOnly ?? false;
  const db = new DatabaseSync(file, { readOnly, timeout: BUSY_TIMEOUT_MS });
  try {
    refuseNewer(db, file, options);
    // Reads the schema, so that damage to it shows here and not at the first use.
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    if (!readOnly) {
      if (options.pageSize !== undefined) db.exec(`PRAGMA page_size = ${options.pageSize}`);
      db.exec('PRAGMA journal_mode = WAL');
      db.exec(`PRAGMA synchronous = ${options.durability}`);
      // Only macOS knows this one: its fsync alone leaves data in the drive.
      if (options.durability === 'full') db.exec('PRAGMA fullfsync = ON');
      db.exec(`PRAGMA journal_size_limit = ${KEPT_WAL_BYTES}`);
      migrate(db, file, options);
    }
    db.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs ?? BUSY_TIMEOUT_MS}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: DatabaseSync, file: string, options: OpenDatabaseOptions): void {
  if (schemaVersion(db) === options.migrations.length) return;
  inTransaction(db, () => {
    // Another process may have been here first, with a newer program at that.
    refuseNewer(db, file, options);
    for (const sql of options.migrations.slice(schemaVersion(db))) db.exec(sql);
    db.exec(`PRAGMA user_version = ${options.migrations.length}`);
  });
}

function refuseNewer(db: DatabaseSync, file: string, options: OpenDatabaseOptions): void {
  const found = schemaVersion(db);
  const known = options.migrations.length;
  if (found > known) {
    throw new HoldfastError(
      'SCHEMA_TOO_NEW',
      `${options.what} (${file}) has schema version ${found}, this version of Holdfast knows up to ${known}: a newer one wrote it. Run that one, or restore the backup made before the upgrade.`,
      { context: { file, found, known } },
    );
  }
  if (options.readOnly === true && found < known) {
    throw new HoldfastError(
      'STORAGE_UNAVAILABLE',
      `${options.what} (${file}) has schema version ${found} and has yet to be brought to ${known} by the process that writes it. Start that one.`,
      { context: { file, found, known } },
    );
  }
}

const schemaVersion = (db: DatabaseSync): number =>
  db.prepare('PRAGMA user_version').get()?.['user_version'] as number;

/** The file and what SQLite keeps beside it; all of them go when the database is to go. */
export const databaseFiles = (file: string): string[] =>
  ['', '-wal', '-shm', '-journal'].map((suffix) => file + suffix).filter((name) => existsSync(name));
