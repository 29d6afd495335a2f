import type { Catalog } from '@holdfast/catalog';
import { type EventStore, isPositionAtOrAfter, type Position } from '@holdfast/domain';
import type { Lookout } from '@holdfast/health';

/**
 * A catalog that is behind, after a restart or as it is built again, knows of too little: nothing is found before it has
 * come to where the log was at the first look.
 */
export function onceCaughtUp(
  { store, catalog }: { store: Pick<EventStore, 'head'>; catalog: Pick<Catalog, 'checkpoint'> },
  lookout: Lookout,
): Lookout {
  let head: Position | null = null;
  return {
    ...lookout,
    look: async () => {
      head ??= await store.head();
      return isPositionAtOrAfter(catalog.checkpoint, head) ? lookout.look() : [];
    },
  };
}
