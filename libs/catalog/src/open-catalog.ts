import type { DatabaseSync } from 'node:sqlite';
import { type Clock, type EventStore, hasCode, isPositionAtOrAfter } from '@holdfast/domain';
import { openDatabase } from '@holdfast/sqlite';
import { Catalog, readState, writeState } from './catalog.ts';
import { deleteCatalogFiles } from './delete-files.ts';
import { CATALOG_MIGRATIONS } from './schema.ts';

/**
 * Opens the catalog beside the log; one that is missing, damaged, of another program version, of another
 * log or ahead of the log is deleted and built again from the first event by `start`.
 * @param options.file  owned by this process alone
 * @throws DATA_DIR_UNUSABLE, DISK_FULL, EVENT_STORE_UNAVAILABLE
 */
export async function openCatalog(options: {
  file: string;
  store: EventStore;
  clock: Clock;
}): Promise<Catalog> {
  const { file, store, clock } = options;
  const [logId, head] = [await store.identity(), await store.head()];
  let db = openUnlessDoubtful(file);
  if (db !== null && !belongsToLog(db, logId, head)) {
    db.close();
    db = null;
  }
  if (db === null) {
    deleteCatalogFiles(file);
    db = open(file);
  }
  writeState(db, 'logId', logId);
  return new Catalog({ db, file, store, clock });
}

/** 32 MiB of WAL: with SQLite's own 4, a season of documents would pay for a checkpoint at nearly every page of events. */
const CHECKPOINT_PAGES = 8_000;

function open(file: string): DatabaseSync {
  // `normal`: after a loss of power the last transactions may be missing, and are applied again.
  const db = openDatabase(file, {
    durability: 'normal',
    migrations: CATALOG_MIGRATIONS,
    what: 'the catalog',
  });
  db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  return db;
}

function openUnlessDoubtful(file: string): DatabaseSync | null {
  try {
    return open(file);
  } catch (error) {
    if (hasCode(error, 'SCHEMA_TOO_NEW') || hasCode(error, 'DATABASE_CORRUPT')) return null;
    throw error;
  }
}

function belongsToLog(db: DatabaseSync, logId: string, head: string): boolean {
  try {
    const stored = readState(db, 'logId');
    return stored === null || (stored === logId && isPositionAtOrAfter(head, readState(db, 'checkpoint')));
  } catch {
    // Tables that are not there, or pages that cannot be read: no catalog of ours.
    return false;
  }
}
