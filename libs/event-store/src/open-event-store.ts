import type { Clock, EventStore, LockKeeper, LogBackup } from '@holdfast/domain';
import { openEventStoreDb } from './eventstoredb/event-store-db-event-store.ts';
import { openSqliteEventStore } from './sqlite/sqlite-event-store.ts';

/** Where a log is. */
export type EventStorePlace =
  | { readonly kind: 'sqlite'; readonly file: string; readonly bellFile: string }
  | {
      readonly kind: 'esdb';
      readonly url: string;
      /** What the names of its streams begin with on the server; may be empty. */
      readonly streamPrefix: string;
    };

export interface OpenedEventStore {
  readonly store: EventStore & LogBackup;
  /** Null: the log is used by one machine, whose operating system keeps the locks. */
  readonly locks: LockKeeper | null;
}

/**
 * Opens the log wherever it is.
 * @throws what `openSqliteEventStore` and `openEventStoreDb` throw
 */
export async function openEventStore(
  place: EventStorePlace,
  options: { clock: Clock; createIfMissing: boolean },
): Promise<OpenedEventStore> {
  if (place.kind === 'sqlite')
    return { store: await openSqliteEventStore({ ...place, ...options }), locks: null };
  const store = await openEventStoreDb({ ...place, ...options });
  return { store, locks: store };
}
