import {
  decodeEvent,
  derivedEventId,
  encodeEvent,
  type EventType,
  type LogEntry,
  type NewEvent,
  type RecordedEvent,
} from '../events.ts';
import { type BodyReference, bodyStream, joinBody } from '../log/body-chunks.ts';
import { encodeAppend, encodeChunkData, type EncodedEvent } from '../log/encode-append.ts';
import { bodyUnreadable, storeClosed, versionConflict } from '../log/log-errors.ts';
import { LOG_STREAM } from '../log/events.ts';
import type {
  Appended,
  AppendOptions,
  EventStore,
  ExpectedVersion,
  LogPage,
  ReadLogOptions,
  ReadStreamOptions,
  SubscribeOptions,
} from '../ports/event-store.ts';
import type { Position } from '../position.ts';
import { AT, LOG_ID } from './fixtures.ts';

/** As it would lie in a database: text, numbers and bytes only. */
interface StoredEvent {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly position: Position;
  readonly type: string;
  readonly v: number;
  readonly data: string;
  readonly metadata: string;
  readonly body: Uint8Array | null;
  readonly reference: BodyReference | null;
}

const POLL_MS = 250;
const PAGE_BYTES = 8 * 1024 * 1024;
const SEARCH_WINDOW = 1_000;

/** What several memory stores share, as processes share a log. Positions have gaps, so that nobody counts on +1. */
export class MemoryLog {
  readonly events: StoredEvent[] = [];
  readonly listeners = new Set<() => void>();
  readonly #streams = new Map<string, StoredEvent[]>();
  #lastPosition = 0;

  constructor(logId: string = LOG_ID) {
    const event: NewEvent = {
      type: 'LogCreated',
      id: derivedEventId('log-created', logId),
      data: { logId },
      metadata: { correlationId: logId, causationId: logId, actor: 'local', at: AT },
    };
    this.write({
      ...encodeEvent(event),
      id: event.id,
      type: event.type,
      stream: LOG_STREAM,
      version: 0,
      body: null,
      reference: null,
    });
  }

  write(event: Omit<StoredEvent, 'position'>): StoredEvent {
    this.#lastPosition += 1 + (this.#lastPosition % 3);
    const stored = { ...event, position: String(this.#lastPosition).padStart(16, '0') };
    this.events.push(stored);
    this.#streams.set(event.stream, [...this.stream(event.stream), stored]);
    return stored;
  }

  stream(name: string): readonly StoredEvent[] {
    return this.#streams.get(name) ?? [];
  }

  keepLatest(name: string, count: number): void {
    const all = this.stream(name);
    for (const event of all.slice(0, -count)) this.events.splice(this.events.indexOf(event), 1);
    this.#streams.set(name, all.slice(-count));
  }

  ring(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** The port without a disk: it keeps what a database would keep, and passes the same contract suite. */
export class MemoryEventStore implements EventStore {
  readonly log: MemoryLog;
  readonly #closing = new AbortController();

  constructor(log: MemoryLog = new MemoryLog()) {
    this.log = log;
  }

  async append(
    stream: string,
    events: readonly NewEvent[],
    expectedVersion: ExpectedVersion,
    options: AppendOptions = {},
  ): Promise<Appended> {
    await this.#turn();
    const encoded = encodeAppend(stream, events, expectedVersion);
    const present = this.log.stream(stream);
    const earlier = findEarlier(
      stream,
      present,
      events.map(({ id }) => id),
      expectedVersion,
    );
    if (earlier !== null) return earlier;

    let version = present.at(-1)?.version ?? -1;
    let position: Position = '';
    for (const { cut, body, ...event } of encoded) {
      if (cut !== null) this.#writeChunks(cut, event.metadata);
      version += 1;
      const kept = { body: body === null ? null : Uint8Array.from(body), reference: cut?.reference ?? null };
      ({ position } = this.log.write({ ...event, stream, version, ...kept }));
    }
    if (options.keepLatest !== undefined) this.log.keepLatest(stream, options.keepLatest);
    this.log.ring();
    return { version, position };
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<RecordedEvent[]> {
    await this.#turn();
    const isForwards = options.direction !== 'backwards';
    const from = options.fromVersion ?? (isForwards ? 0 : Infinity);
    const inOrder = isForwards ? this.log.stream(stream) : this.log.stream(stream).toReversed();
    return inOrder
      .filter(({ version }) => (isForwards ? version >= from : version <= from))
      .slice(0, options.maxCount)
      .map((event) => {
        const entry = this.#decode(event, options.withBodies);
        if (entry.type === 'Unreadable') throw entry.error;
        return entry;
      });
  }

  async readLog(options: ReadLogOptions): Promise<LogPage> {
    await this.#turn();
    return this.#readLog(options);
  }

  async readAt(positions: readonly Position[], options: { withBodies?: boolean } = {}): Promise<LogEntry[]> {
    await this.#turn();
    return positions.flatMap((position) => {
      const event = this.log.events.find((candidate) => candidate.position === position);
      return event === undefined ? [] : [this.#decode(event, options.withBodies)];
    });
  }

  async *subscribe(options: SubscribeOptions): AsyncGenerator<LogPage, void, undefined> {
    const { signal, onCurrent, after: start, maxCount = 256, ...rest } = options;
    let after = start;
    let hasSaidEnd = false;
    while (!signal.aborted) {
      await this.#turn();
      const change = this.#nextChange(signal);
      const page = this.#readLog({ ...rest, after, maxCount });
      const isNews = page.events.length > 0 || page.next !== after || (page.isEnd && !hasSaidEnd);
      hasSaidEnd ||= page.isEnd;
      after = page.next;
      if (isNews) {
        change.forget();
        yield page;
      } else if (page.isEnd) {
        onCurrent?.();
        await change.happened;
      } else {
        change.forget();
      }
    }
  }

  async identity(): Promise<string> {
    await this.#turn();
    const [first] = this.log.events;
    return (JSON.parse(first?.data ?? '{}') as { logId: string }).logId;
  }

  async head(): Promise<Position> {
    await this.#turn();
    return this.log.events.at(-1)?.position ?? '';
  }

  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  /** Every call takes a turn of the event loop, as one to a real store does. */
  async #turn(): Promise<void> {
    await Promise.resolve();
    if (this.#closing.signal.aborted) throw storeClosed();
  }

  #writeChunks({ reference, chunks }: NonNullable<EncodedEvent['cut']>, metadata: string): void {
    const stream = bodyStream(reference.sha256);
    for (const chunk of chunks.slice(this.log.stream(stream).length)) {
      const place = {
        id: chunk.id,
        stream,
        version: chunk.index,
        type: 'BodyChunk' satisfies EventType,
        v: 1,
      };
      const data = encodeChunkData(chunk, reference);
      this.log.write({ ...place, data, metadata, body: Uint8Array.from(chunk.body), reference: null });
    }
  }

  #readLog(options: ReadLogOptions): LogPage {
    const isForwards = options.direction !== 'backwards';
    const { after, filter } = options;
    const all = isForwards ? this.log.events : this.log.events.toReversed();
    const isBeyond = ({ position }: StoredEvent): boolean =>
      after === null || (isForwards ? position > after : position < after);
    const beyond = all.filter(isBeyond);
    const events: LogEntry[] = [];
    let bytes = 0;
    let looked = 0;
    let next = after;
    for (const event of beyond) {
      if (events.length === options.maxCount || looked === SEARCH_WINDOW) break;
      if (options.withBodies === true && bytes > PAGE_BYTES) break;
      looked += 1;
      next = event.position;
      const isListed = filter?.types?.includes(event.type as EventType) ?? true;
      const isBelow = filter?.streamPrefixes?.some((prefix) => event.stream.startsWith(prefix)) ?? true;
      if (!isListed || !isBelow) continue;
      const entry = this.#decode(event, options.withBodies);
      if (entry.type !== 'Unreadable') bytes += entry.body?.length ?? 0;
      events.push(entry);
    }
    return { events, next, isEnd: looked === beyond.length };
  }

  #decode(event: StoredEvent, withBodies = false): LogEntry {
    const { body: inline, reference, ...raw } = event;
    if (!withBodies || (inline === null && reference === null)) return decodeEvent(raw);
    if (inline !== null) return decodeEvent({ ...raw, body: Uint8Array.from(inline) });
    const chunks = this.log
      .stream(bodyStream(reference?.sha256 ?? ''))
      .flatMap(({ body }) => (body === null ? [] : [body]));
    try {
      return decodeEvent({ ...raw, body: joinBody(reference as BodyReference, chunks) });
    } catch (error) {
      return bodyUnreadable(raw, error as Error);
    }
  }

  /** Listens from now on; resolves at an append, after a while, or when the iteration has to end. */
  #nextChange(signal: AbortSignal): { happened: Promise<void>; forget: () => void } {
    let forget = (): void => undefined;
    const happened = new Promise<void>((resolve) => {
      forget = (): void => {
        clearTimeout(timer);
        this.log.listeners.delete(forget);
        for (const ended of [signal, this.#closing.signal]) ended.removeEventListener('abort', forget);
        resolve();
      };
      const timer = setTimeout(forget, POLL_MS);
      this.log.listeners.add(forget);
      for (const ended of [signal, this.#closing.signal]) ended.addEventListener('abort', forget);
    });
    return { happened, forget };
  }
}

/**
 * The rules of the EventStoreDB server (its CheckCommit).
 * @returns the answer of the first append where this one repeats it, or null where it is new
 * @throws  STREAM_VERSION_CONFLICT
 */
function findEarlier(
  stream: string,
  present: readonly StoredEvent[],
  ids: readonly string[],
  expected: ExpectedVersion,
): Appended | null {
  const actual = present.at(-1)?.version ?? -1;
  if (expected === 'any' && !present.some(({ id }) => ids.includes(id))) return null;
  const before =
    expected === 'any'
      ? (present.find(({ id }) => id === ids[0])?.version ?? 0) - 1
      : expected === 'none'
        ? -1
        : expected;
  if (expected !== 'any' && before === actual) return null;
  const there = present.filter(({ version }) => version > before && version <= before + ids.length);
  const last = there.at(-1);
  const isRepeat =
    last !== undefined && there.length === ids.length && there.every(({ id }, index) => id === ids[index]);
  if (!isRepeat) throw versionConflict(stream, expected, present.at(-1)?.version ?? null);
  return { version: last.version, position: last.position };
}
