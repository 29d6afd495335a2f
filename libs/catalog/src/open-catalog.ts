import type { DatabaseSync } from 'node:sqlite';
import { type Clock, type EventStore, hasCode, isPositionAtOrAfter } from '@holdfast/domain';
import { openDatabase } from '@holdfast/sqlite';
import { Catalog, readState, writeState } from './catalog.ts';
import { deleteCatalogFiles } from './delete-files.ts';
import { CATALOG_MIGRATIONS } from './schema.ts';

/**
 * Opens the catalog beside the log; one that is missing, damaged, of another schema, of another log, ahead of the
 * log, or that passed events this program can read, is deleted and built again from the first event by `start`.
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
  if (db !== null && !(belongsToLog(db, logId, head) && (await knowsAllItCould(db, store)))) {
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

// `normal`: after a loss of power the last transactions may be missing, and are applied again.
const open = (file: string): DatabaseSync =>
  openDatabase(file, { durability: 'normal', migrations: CATALOG_MIGRATIONS, what: 'the catalog' });

function openUnlessDoubtful(file: string): DatabaseSync | null {
  try {
    return open(file);
  } catch (error) {
    if (hasCode(error, 'SCHEMA_TOO_NEW') || hasCode(error, 'DATABASE_CORRUPT')) return null;
    throw error;
  }
}

/** An event that was passed because an older program could not read it, and that this one can, belongs in the rows. */
async function knowsAllItCould(db: DatabaseSync, store: EventStore): Promise<boolean> {
  const rows = db.prepare('SELECT position FROM unreadable ORDER BY position LIMIT 1000').all();
  const events = await store.readAt(rows.map((row) => row['position'] as string));
  return events.every((event) => event.type === 'Unreadable');
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
