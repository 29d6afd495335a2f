import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '@holdfast/domain';
import { isBusy, translateSqliteError } from './sqlite-error.ts';

export interface FileLock {
  /** May be called more than once. The kernel does the same when the process ends, however it ends. */
  release(): void;
}

interface Holder {
  pid: number;
  host: string;
  what: string;
  since: string;
}

/**
 * Takes a lock that one process (of one machine) holds at a time.
 *
 *     <file>   a SQLite database with one row, who holds it: pid, host, what, since
 *              locked  = a write transaction is open on it
 *
 * @param holder.what  for the one who finds it taken: "the local projector"
 * @throws DATA_DIR_IN_USE (context `pid`, `host`, `what`, `since`); DATA_DIR_UNUSABLE, DISK_FULL, DATABASE_CORRUPT
 */
export function acquireLock(file: string, holder: { what: string }): FileLock {
  let db: DatabaseSync | undefined;
  try {
    // No waiting: the one who holds it keeps it.
    db = new DatabaseSync(file, { timeout: 0 });
    db.exec('BEGIN IMMEDIATE');
    db.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER, host TEXT, what TEXT, since TEXT) STRICT');
    db.exec('DELETE FROM holder');
    db.prepare('INSERT INTO holder VALUES (?, ?, ?, ?)').run(
      process.pid,
      hostname(),
      holder.what,
      new Date().toISOString(),
    );
    db.exec('COMMIT');
    // Whoever comes in between writes its own row, and this fails.
    db.exec('BEGIN IMMEDIATE');
  } catch (error) {
    const failure = isBusy(error)
      ? inUse(file, db === undefined ? null : readHolder(db))
      : translateSqliteError(error, { attempted: 'to take the lock', file });
    db?.close();
    throw failure;
  }
  const held = db;
  return {
    release: () => {
      if (held.isOpen) held.close();
    },
  };
}

/** Readable while it is held: the row was committed before the lock was taken for good. */
function readHolder(db: DatabaseSync): Holder | null {
  try {
    return (db.prepare('SELECT pid, host, what, since FROM holder').get() as Holder | undefined) ?? null;
  } catch {
    return null;
  }
}

function inUse(file: string, holder: Holder | null): HoldfastError {
  const by =
    holder === null
      ? 'another process that is just starting'
      : `process ${holder.pid} on ${holder.host} (${holder.what}, since ${holder.since})`;
  return new HoldfastError(
    'DATA_DIR_IN_USE',
    `The lock ${file} is held by ${by}. Stop that process, or give this one another data directory (HOLDFAST_DATA_DIR).`,
    { context: { file, ...holder } },
  );
}
