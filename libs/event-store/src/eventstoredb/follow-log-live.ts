import { setTimeout as sleep } from 'node:timers/promises';
import {
  HoldfastError,
  type LogFilter,
  type LogPage,
  type Position,
  type SubscribeOptions,
} from '@holdfast/domain';
import type { Connection } from './connection.ts';
import type { LiveSource } from './live-source.ts';
import type { EventReader } from './read-events.ts';
import { type FetchedEvent, type LogPlace, toPlace, toPosition } from './schema.ts';
import { serverFilter } from './server-filter.ts';
import { translateError, unavailable } from './translate-error.ts';

const DEFAULT_PAGE = 256;
const PAGE_BYTES = 8 * 1024 * 1024;
/** How often an idle subscription makes sure that nothing lies beyond what it handed out; at first it is waited for. */
const LOOK_EVERY_MS = 400;
const FIRST_LOOKS_EVERY_MS = 50;
/**
 * Events of a busy log come one by one, and consumers have as much to do for a page of one as for many, such as a
 * transaction: so what comes right after a small page is gathered for a moment.
 */
const SMALL_PAGES_EVERY_MS = 10;
const SMALL_PAGE = 32;

export interface Followed {
  readonly connection: Connection;
  readonly reader: EventReader;
  /** Of the log's streams on the server. */
  readonly prefix: string;
  /** The log's first event. */
  readonly first: LogPlace;
  /** How long the subscription may keep back an event that is known to be there. */
  readonly deadlineMs: number;
  /** @throws EVENT_STORE_UNAVAILABLE once the store is closed */
  refuseClosed(): void;
  onClose(callback: () => void): () => void;
}

/**
 * Pages from a position on, for ever, from a filtered subscription: the server sends what passes, and the
 * rest is looked over now and then, so that the position moves and a subscription that has gone silent is found out.
 * @throws EVENT_STORE_UNAVAILABLE when it is lost, also where it ends without an error
 * @throws LOG_MISMATCH where the position lies past the end of the log
 */
export async function* followLogLive(
  options: SubscribeOptions,
  log: Followed,
): AsyncGenerator<LogPage, void, undefined> {
  const { signal, filter, withBodies, onCurrent, maxCount = DEFAULT_PAGE } = options;
  const { connection, reader } = log;
  if (signal.aborted) return;
  let { after } = options;
  let hasSaidEnd = false;
  let [lookedAt, waitingSince] = [-Infinity, Infinity];
  let [handedAt, lastPage] = [-Infinity, 0];
  if (after === null) {
    // A subscription begins after a place, and the server takes only places where an event begins.
    const page = await firstPage(log, { filter, withBodies, maxCount });
    hasSaidEnd = page.isEnd;
    after = page.next;
    if (page.events.length > 0 || page.isEnd) yield { events: page.events, next: after, isEnd: page.isEnd };
    if (isAborted(signal)) return;
    log.refuseClosed();
  }
  const source = connection.subscribe(
    after === null ? log.first : toPlace(after),
    serverFilter(filter, log.prefix),
  );
  const ring = (): void => {
    source.ring();
  };
  signal.addEventListener('abort', ring);
  const forget = log.onClose(ring);

  /** What lies between the position and the next event that passes: the log's head tells whether there can be anything. */
  const look = async (): Promise<'current' | 'behind'> => {
    lookedAt = performance.now();
    const head = await reader.head();
    if (after !== null && after > head) throw pastEnd(after, connection.server);
    if (after === head) return 'current';
    if (filter === undefined) return 'behind';
    const page = await reader.readLog({ after, maxCount: 1, filter });
    if (page.events.length > 0) return 'behind';
    after = page.next;
    return page.isEnd ? 'current' : 'behind';
  };
  const untilLook = (): number =>
    Math.max(0, lookedAt + (hasSaidEnd ? LOOK_EVERY_MS : FIRST_LOOKS_EVERY_MS) - performance.now());

  try {
    for (;;) {
      log.refuseClosed();
      if (isAborted(signal)) return;
      const early = handedAt + SMALL_PAGES_EVERY_MS - performance.now();
      if (lastPage < SMALL_PAGE && early > 0) await sleep(early);
      const { events, reached } = take(source, reader, { after, filter, maxCount });
      if (reached !== null) {
        after = reached;
        waitingSince = Infinity;
      }
      const visible = await reader.decode(await reader.withoutForgotten(events), withBodies);
      if (visible.length > 0) {
        [handedAt, lastPage] = [performance.now(), visible.length];
        yield { events: visible, next: after, isEnd: false };
        continue;
      }
      if (reached !== null) continue;
      if (source.failure !== null) {
        throw translateError(source.failure, 'to a subscriber', connection.server);
      }
      if (untilLook() === 0) {
        const before = after;
        const state = await look();
        if (state === 'behind' && after === before) {
          waitingSince = Math.min(waitingSince, performance.now());
          if (performance.now() - waitingSince > log.deadlineMs) {
            throw unavailable(connection.server, 'to a subscriber', 'it keeps back what is there');
          }
        } else {
          waitingSince = Infinity;
        }
        const isEnd = state === 'current';
        if (after !== before || (isEnd && !hasSaidEnd)) {
          hasSaidEnd ||= isEnd;
          if (isAborted(signal)) return;
          yield { events: [], next: after, isEnd };
        }
        if (isEnd) onCurrent?.();
        else if (after !== before) lookedAt = -Infinity;
      }
      await source.rung(untilLook());
    }
  } catch (error) {
    throw translateError(error, 'to a subscriber', connection.server);
  } finally {
    signal.removeEventListener('abort', ring);
    forget();
    await source.close();
  }
}

async function firstPage(
  { reader, connection }: Followed,
  options: { filter: LogFilter | undefined; withBodies: boolean | undefined; maxCount: number },
): Promise<LogPage> {
  const { filter, withBodies, maxCount } = options;
  try {
    return await reader.readLog({
      after: null,
      maxCount,
      ...(filter === undefined ? {} : { filter }),
      ...(withBodies === undefined ? {} : { withBodies }),
    });
  } catch (error) {
    throw translateError(error, 'to a subscriber', connection.server);
  }
}

/** Whatever is buffered, up to a page. `reached` is the position of the last event looked at. */
function take(
  source: LiveSource,
  reader: EventReader,
  { after, filter, maxCount }: { after: Position | null; filter: LogFilter | undefined; maxCount: number },
): { events: FetchedEvent[]; reached: Position | null } {
  const events: FetchedEvent[] = [];
  let [bytes, reached]: [number, Position | null] = [0, null];
  while (events.length < maxCount && bytes <= PAGE_BYTES) {
    const resolved = source.read();
    if (resolved === null) break;
    const { event } = resolved;
    if (event === undefined) continue;
    const position = toPosition(event.position);
    const fetched = after !== null && position <= after ? null : reader.fetched(event, filter);
    if (fetched === null) continue;
    reached = position;
    events.push(fetched);
    bytes += fetched.bodyBytes;
  }
  return { events, reached };
}

/** The signal changes while the loop waits, which the compiler does not see. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

const pastEnd = (position: Position, server: string): HoldfastError =>
  new HoldfastError(
    'LOG_MISMATCH',
    `The position ${position} lies past the end of the event log at ${server}: the log was replaced or restored from before. See the runbook, "Log mismatch".`,
    { context: { position, server } },
  );
