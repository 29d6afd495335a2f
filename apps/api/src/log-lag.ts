import type { EventStore, EventType, Position } from '@holdfast/domain';

const MAX_COUNTED = 1_000;

export interface Lag {
  readonly events: number;
  /** There are more than were counted. */
  readonly isAtLeast: boolean;
}

/** How many events lie between a checkpoint and the log's head. */
export async function measureLag(
  store: EventStore,
  checkpoint: Position | null,
  types?: readonly EventType[],
): Promise<Lag> {
  let after = checkpoint;
  let events = 0;
  for (;;) {
    const page = await store.readLog({
      after,
      maxCount: MAX_COUNTED - events,
      ...(types === undefined ? {} : { filter: { types } }),
    });
    events += page.events.length;
    if (page.isEnd) return { events, isAtLeast: false };
    if (events >= MAX_COUNTED) return { events, isAtLeast: true };
    after = page.next;
  }
}
