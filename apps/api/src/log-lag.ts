import type { Catalog } from '@holdfast/catalog';
import { CONTENT_EVENT_TYPES, type EventStore, type EventType, type Position } from '@holdfast/domain';

const MAX_COUNTED = 1_000;

export interface Lag {
  readonly events: number;
  /** There are more than were counted. */
  readonly isAtLeast: boolean;
}

/**
 * How many events lie between a checkpoint and the log's head.
 * @param counted  of those, before the checkpoint
 */
export async function measureLag(
  store: EventStore,
  checkpoint: Position | null,
  types?: readonly EventType[],
  counted = 0,
): Promise<Lag> {
  let after = checkpoint;
  let events = counted;
  while (events < MAX_COUNTED) {
    const page = await store.readLog({
      after,
      maxCount: MAX_COUNTED - events,
      ...(types === undefined ? {} : { filter: { types } }),
    });
    events += page.events.length;
    if (page.isEnd) return { events, isAtLeast: false };
    after = page.next;
  }
  return { events, isAtLeast: true };
}

/** The same for content alone. What the catalog knows it counts, as reading a thousand events takes some time. */
export async function measureContentLag(
  { store, catalog }: { store: EventStore; catalog: Pick<Catalog, 'checkpoint' | 'changesAfter'> },
  checkpoint: Position | null,
): Promise<Lag> {
  const reflected = catalog.checkpoint;
  const counted = catalog.changesAfter(checkpoint, MAX_COUNTED);
  const isBehind = reflected === null || (checkpoint !== null && reflected < checkpoint);
  return measureLag(store, isBehind ? checkpoint : reflected, CONTENT_EVENT_TYPES, counted);
}
