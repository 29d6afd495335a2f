import { toHoldfastError, type HoldfastError } from './errors.ts';
import type { Clock } from './ports/clock.ts';
import type { EventStore, LogFilter, LogPage } from './ports/event-store.ts';
import type { Position } from './position.ts';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;

/**
 * Hands every page of the log from a position on to `handle`, for ever: catches up, then follows, and
 * subscribes again with backoff from what was handled when the store is lost or `handle` fails in
 * a way that may pass. Returns when the signal aborts.
 * @param options.after      asked before each subscription, so that it is what has really been handled
 * @param options.onTrouble  told of each failure that is tried again
 * @throws what `handle` throws with a kind other than transient or exhausted
 */
export async function followLog(options: {
  store: EventStore;
  clock: Clock;
  after: () => Position | null;
  filter?: LogFilter;
  withBodies?: boolean;
  maxCount?: number;
  signal: AbortSignal;
  handle: (page: LogPage) => Promise<void> | void;
  onCurrent?: () => void;
  onTrouble?: (error: HoldfastError) => void;
}): Promise<void> {
  const { store, clock, signal, filter, withBodies, maxCount, onCurrent } = options;
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const pages = store.subscribe({
        after: options.after(),
        signal,
        ...(filter === undefined ? {} : { filter }),
        ...(withBodies === undefined ? {} : { withBodies }),
        ...(maxCount === undefined ? {} : { maxCount }),
        ...(onCurrent === undefined ? {} : { onCurrent }),
      });
      for await (const page of pages) {
        await options.handle(page);
        waitMs = FIRST_WAIT_MS;
      }
    } catch (error) {
      const known = toHoldfastError(error);
      if (known.kind !== 'transient' && known.kind !== 'exhausted') throw error;
      options.onTrouble?.(known);
    }
    // An iteration that ends without an error before the signal is a lost subscription too.
    await clock.sleep(Math.round(waitMs * (0.5 + Math.random() / 2)), signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}
