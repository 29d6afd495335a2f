import { type EventStore, hasCode } from '@holdfast/domain';
import type { DiskReserve } from './disk-reserve.ts';

/**
 * The same store; when its disk is full, the reserve is given up for whatever is not published content, which is then
 * appended again, with the same ids and the same expected version.
 */
export function appendWithReserve<Store extends EventStore>(store: Store, reserve: DiskReserve): Store {
  const append: EventStore['append'] = async (stream, events, expectedVersion, options) => {
    try {
      return await store.append(stream, events, expectedVersion, options);
    } catch (error) {
      const isContent = events.some(({ type }) => type === 'ContentPublished');
      if (!hasCode(error, 'DISK_FULL') || isContent) throw error;
      // Where it is gone already, another append may have given it up since this one was refused.
      reserve.release();
      return store.append(stream, events, expectedVersion, options);
    }
  };
  // All other methods, also those that only some stores have, are the store's own.
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'append') return append;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
