import type { AllStreamRecordedEvent, RecordedEvent as ClientEvent } from '@eventstore/db-client';
import {
  type BodyReference,
  bodyStream,
  bodyUnreadable,
  decodeEvent,
  type Direction,
  joinBody,
  laterPosition,
  type LogEntry,
  type LogFilter,
  type LogPage,
  type Position,
  type ReadLogOptions,
  type ReadStreamOptions,
  type RecordedEvent,
} from '@holdfast/domain';
import type { Connection } from './connection.ts';
import { type FetchedEvent, fromRecorded, type LogPlace, toPlace, toPosition } from './schema.ts';
import { passes, serverFilter } from './server-filter.ts';
import { isNoPosition } from './translate-error.ts';

/** How far one page looks, among what the server sends, for events that pass its filter. */
const SEARCH_WINDOW = 4_096;
/** Events asked for in one call. */
const MAX_BATCH = 1_024;
const PAGE_BYTES = 8 * 1024 * 1024;
const READS_AT_ONCE = 16;

/**
 * Reads the events of one log among all that lie on the server: those whose streams begin with the log's
 * prefix and belong to nobody else. The others are passed over by the server and never sent. Calls hold nothing open.
 */
export class EventReader {
  readonly #connection: Connection;
  readonly #prefix: string;
  /** The log's first event. */
  readonly #first: () => LogPlace;

  constructor(connection: Connection, prefix: string, first: () => LogPlace) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#first = first;
  }

  /** @throws EVENT_UNREADABLE */
  async readStream(stream: string, options: ReadStreamOptions): Promise<RecordedEvent[]> {
    const { direction = 'forwards', fromVersion, maxCount, withBodies } = options;
    const fetched: FetchedEvent[] = [];
    const fromRevision = fromVersion === undefined ? null : BigInt(fromVersion);
    for await (const event of this.#stream(stream, { direction, fromRevision, maxCount })) {
      fetched.push(fromRecorded(event, stream));
    }
    const entries = await this.decode(fetched, withBodies);
    return entries.map((entry) => {
      if (entry.type === 'Unreadable') throw entry.error;
      return entry;
    });
  }

  /** Id, version and position of the stream's latest events, the last first. */
  async latest(
    stream: string,
    maxCount: number,
  ): Promise<{ id: string; version: number; position: Position }[]> {
    const found: { id: string; version: number; position: Position }[] = [];
    const options = { direction: 'backwards', fromRevision: null, maxCount } as const;
    for await (const { id, revision, position } of this.#stream(stream, options)) {
      found.push({ id, version: Number(revision), position: toPosition(position as LogPlace) });
    }
    return found;
  }

  async readLog(options: ReadLogOptions): Promise<LogPage> {
    const { direction = 'forwards', after, filter, maxCount, withBodies } = options;
    const isForwards = direction === 'forwards';
    // Asked for first: so there is nothing up to it that the read does not see.
    const head = isForwards && filter !== undefined ? await this.head() : null;
    const kept: FetchedEvent[] = [];
    let [looked, bytes, isEnd] = [0, 0, true];
    let next = after;
    const start = after === null ? (isForwards ? this.#first() : null) : toPlace(after);
    // Backwards the server would go on, filtering, beyond the log's beginning.
    const sent = isForwards ? filter : undefined;
    for await (const event of this.#all(direction, start, maxCount + 2, sent)) {
      const stream = this.#ownStream(event);
      const position = toPosition(event.position);
      if (stream === null || position === after) continue;
      if (kept.length === maxCount || looked === SEARCH_WINDOW || bytes > PAGE_BYTES) {
        isEnd = false;
        break;
      }
      looked += 1;
      next = position;
      if (passes(filter, event.type, stream)) {
        const fetched = fromRecorded(event, stream);
        kept.push(fetched);
        if (withBodies === true) bytes += fetched.bodyBytes;
      }
      if (!isForwards && event.position.commit <= this.#first().commit) break;
    }
    if (isEnd && head !== null) next = laterPosition(next, head);
    return { events: await this.decode(await this.withoutForgotten(kept), withBodies), next, isEnd };
  }

  /** All of the log as it is stored, in order, from the server's beginning or after a position; also what later reports have taken the place of. */
  async *stored(after: Position | null): AsyncGenerator<FetchedEvent, void, undefined> {
    for await (const event of this.#all(
      'forwards',
      after === null ? null : toPlace(after),
      MAX_BATCH,
      undefined,
    )) {
      const stream = this.#ownStream(event);
      if (stream !== null && toPosition(event.position) !== after) yield fromRecorded(event, stream);
    }
  }

  async readAt(positions: readonly Position[], withBodies?: boolean): Promise<LogEntry[]> {
    const places = positions.map(toPlace);
    const found: (FetchedEvent | null)[] = [];
    for (let start = 0; start < places.length; start += READS_AT_ONCE) {
      const some = places.slice(start, start + READS_AT_ONCE);
      found.push(...(await Promise.all(some.map((place) => this.#at(place)))));
    }
    return await this.decode(
      found.filter((event) => event !== null),
      withBodies,
    );
  }

  async head(): Promise<Position> {
    for await (const event of this.#all('backwards', null, 1, undefined)) {
      if (this.#ownStream(event) !== null) return toPosition(event.position);
    }
    return toPosition(this.#first());
  }

  /** An event of a subscription; null where it is none of this log, or does not pass. */
  fetched(event: AllStreamRecordedEvent, filter: LogFilter | undefined): FetchedEvent | null {
    const stream = this.#ownStream(event);
    return stream !== null && passes(filter, event.type, stream) ? fromRecorded(event, stream) : null;
  }

  /** Leaves out reports of which only later ones count; the server shows them in `$all` until it is scavenged. */
  async withoutForgotten(events: readonly FetchedEvent[]): Promise<FetchedEvent[]> {
    const last = new Map<string, number>();
    const kept: FetchedEvent[] = [];
    for (const event of events) {
      const { raw, keepLatest } = event;
      if (keepLatest !== null && !last.has(raw.stream)) {
        last.set(raw.stream, (await this.latest(raw.stream, 1))[0]?.version ?? raw.version);
      }
      if (keepLatest === null || raw.version + keepLatest > (last.get(raw.stream) ?? 0)) kept.push(event);
    }
    return kept;
  }

  async decode(events: readonly FetchedEvent[], withBodies = false): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    let pieces: { readonly sha256: string; readonly bodies: Uint8Array[] } = { sha256: '', bodies: [] };
    for (const { raw, inline, reference } of events) {
      const here = withBodies ? inline() : null;
      if (!withBodies || (here === null && reference === null)) {
        entries.push(decodeEvent(raw));
      } else if (reference === null) {
        entries.push(decodeEvent(here === null ? raw : { ...raw, body: here }));
      } else {
        // Documents with the same bytes come one after another where they come at all.
        if (pieces.sha256 !== reference.sha256) {
          pieces = { sha256: reference.sha256, bodies: await this.#pieces(reference) };
        }
        try {
          entries.push(decodeEvent({ ...raw, body: joinBody(reference, pieces.bodies) }));
        } catch (error) {
          entries.push(bodyUnreadable(raw, error as Error));
        }
      }
    }
    return entries;
  }

  async #pieces({ sha256, chunks }: BodyReference): Promise<Uint8Array[]> {
    const bodies: Uint8Array[] = [];
    const stream = bodyStream(sha256);
    const options = { direction: 'forwards', fromRevision: null, maxCount: chunks } as const;
    for await (const event of this.#stream(stream, options)) {
      const body = fromRecorded(event, stream).inline();
      if (body !== null) bodies.push(body);
    }
    return bodies;
  }

  async #at(place: LogPlace): Promise<FetchedEvent | null> {
    try {
      for await (const { event } of this.#connection.readAll({
        direction: 'forwards',
        from: place,
        maxCount: 1,
      })) {
        const stream = event === undefined ? null : this.#ownStream(event);
        if (event === undefined || stream === null) return null;
        const isThere = toPosition(event.position) === toPosition(place);
        return isThere ? fromRecorded(event, stream) : null;
      }
    } catch (error) {
      if (!isNoPosition(error)) throw error;
    }
    return null;
  }

  #stream(
    stream: string,
    options: { direction: Direction; fromRevision: bigint | null; maxCount: number },
  ): AsyncGenerator<ClientEvent, void, undefined> {
    return this.#connection.readStream(this.#prefix + stream, options);
  }

  /**
   * The log's events and perhaps some others, in calls of a bounded size that grow, as most callers find what they want in the first.
   * @param start   null: the server's own beginning, or end
   * @param filter  what has to be sent at least
   */
  async *#all(
    direction: Direction,
    start: LogPlace | null,
    firstBatch: number,
    filter: LogFilter | undefined,
  ): AsyncGenerator<AllStreamRecordedEvent, void, undefined> {
    const asked = serverFilter(filter, this.#prefix);
    let from = start;
    let hasMore = true;
    let last: bigint | null = null;
    for (let batch = Math.min(firstBatch, MAX_BATCH); hasMore; batch = Math.min(batch * 8, MAX_BATCH)) {
      let count = 0;
      for await (const { event } of this.#connection.readAll({ direction, from, maxCount: batch }, asked)) {
        count += 1;
        // Forwards a call begins with the event at which the one before has ended.
        if (event === undefined || event.position.commit === last) continue;
        from = event.position;
        yield event;
      }
      last = from?.commit ?? null;
      hasMore = count === batch;
    }
  }

  /** The event's stream in this log; null where the event is the server's, or of another log. */
  #ownStream(event: AllStreamRecordedEvent): string | null {
    const { streamId, type } = event;
    if (!streamId.startsWith(this.#prefix) || streamId.startsWith('$') || type.startsWith('$')) return null;
    return streamId.slice(this.#prefix.length);
  }
}
