import type { DatabaseSync } from 'node:sqlite';

/**
 * Runs `run` in one write transaction: all of it is stored, or on a throw none of it.
 * The write lock is taken at the beginning, so nothing that `run` reads can change before it writes.
 */
export function inTransaction<T>(db: DatabaseSync, run: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = run();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors (a full disk).
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
