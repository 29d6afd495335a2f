import type { EventType, LogEntry, NewEvent, RecordedEvent } from '../events.ts';
import type { Position } from '../position.ts';

/** The last version the stream must have: a version, `none` for a stream that must not exist yet, or `any`. */
export type ExpectedVersion = number | 'none' | 'any';

export interface Appended {
  /** Version and position of the last event of this append. */
  readonly version: number;
  readonly position: Position;
}

export interface AppendOptions {
  /**
   * Keep only this many of the stream's latest events from now on; for reports, of which only the last
   * counts. Older ones vanish from reads at once or soon; versions go on counting.
   */
  readonly keepLatest?: number;
}

/** An event passes when its type is listed (all if absent) and its stream begins with a listed prefix (all if absent). */
export interface LogFilter {
  readonly types?: readonly EventType[];
  readonly streamPrefixes?: readonly string[];
}

export type Direction = 'forwards' | 'backwards';

export interface ReadStreamOptions {
  /** Default `forwards`. */
  readonly direction?: Direction;
  /** The first version to read, itself included; absent: the stream's first (or last, backwards). */
  readonly fromVersion?: number;
  readonly maxCount: number;
  /** Whether events carry their bodies, complete, however they are stored. Default false. */
  readonly withBodies?: boolean;
}

export interface ReadLogOptions {
  /** Default `forwards`. */
  readonly direction?: Direction;
  /** Exclusive: the first event read is the next after (backwards: before) it; null: from the log's end that comes first. */
  readonly after: Position | null;
  readonly maxCount: number;
  readonly filter?: LogFilter;
  readonly withBodies?: boolean;
}

export interface LogPage {
  /** In the order of the log (or its reverse). An event that cannot be read stands in its place as `Unreadable`. */
  readonly events: readonly LogEntry[];
  /**
   * Where the next page goes on: pass it as `after`. It moves past events the filter left out, and equals
   * the `after` that was given where there was nothing at all.
   */
  readonly next: Position | null;
  /** Nothing lay beyond this page when it was read. A page may be short, or empty, without being the last. */
  readonly isEnd: boolean;
}

export interface SubscribeOptions {
  readonly after: Position | null;
  readonly filter?: LogFilter;
  readonly withBodies?: boolean;
  /** Default 256. */
  readonly maxCount?: number;
  /** Ends the iteration, without an error, after the page in hand. */
  readonly signal: AbortSignal;
  /** Called whenever the store knows that nothing lies beyond what was handed out, at least every second. */
  readonly onCurrent?: () => void;
}

/**
 * The log. Events are appended to streams; each has a version in its stream (0 first, without gaps) and a
 * position in the whole log. All methods may throw EVENT_STORE_UNAVAILABLE (transient).
 */
export interface EventStore {
  /**
   * Appends the events to one stream, all or none, durably: once this resolves they survive a loss of power.
   *
   * Idempotent by event id, as the EventStoreDB server is: with an exact expected version (or `none`)
   * below the stream's version, the ids stored right after that version are compared with those given; all
   * equal: the first answer again, nothing appended; otherwise a conflict. With `any` the same holds where
   * all ids stand in the stream already, in order. So an append whose outcome is unknown is repeated
   * with the same ids and the same expected version.
   *
   * A body above 256 KiB (encoded) is stored as `BodyChunk` events of `body-<sha256>` before the event.
   *
   * @throws STREAM_VERSION_CONFLICT (conflict; context `expected`, `actual`), nothing is stored
   * @throws EVENT_INVALID, nothing is stored
   * @throws DISK_FULL (exhausted), nothing is stored
   * @throws EVENT_STORE_UNAVAILABLE (transient), the outcome may be unknown
   */
  append(
    stream: string,
    events: readonly NewEvent[],
    expectedVersion: ExpectedVersion,
    options?: AppendOptions,
  ): Promise<Appended>;

  /**
   * Reads a stream. One that does not exist is empty.
   * @throws EVENT_UNREADABLE (poison)
   */
  readStream(stream: string, options: ReadStreamOptions): Promise<RecordedEvent[]>;

  /**
   * Reads one page of the whole log. A page with bodies also ends once they exceed 8 MiB together
   * (it has at least one event). Nothing is held open between pages.
   */
  readLog(options: ReadLogOptions): Promise<LogPage>;

  /** The events at these positions, in the same order; positions that hold none are left out. */
  readAt(positions: readonly Position[], options?: { withBodies?: boolean }): Promise<LogEntry[]>;

  /**
   * Pages from a position on: first what is there, then what comes, as it comes (another process's events
   * within 10 ms where the machine is idle). Pages are never empty but for the first at the end of the log,
   * which says that the subscriber has caught up, and where only the position moved. Pulled: nothing is read
   * ahead of the consumer by more than a page. The iteration throws when the store is lost; the
   * consumer subscribes again from what it has handled.
   */
  subscribe(options: SubscribeOptions): AsyncIterable<LogPage>;

  /** The log's identity, from its first event. */
  identity(): Promise<string>;

  /** The position of the last event. */
  head(): Promise<Position>;

  /** Waits for appends under way; afterwards every method throws EVENT_STORE_UNAVAILABLE. */
  close(): Promise<void>;
}

export const EVENT_STORE = Symbol('EventStore');

/** What lives beside the log of one machine and can be copied while it is written to. */
export interface LogBackup {
  /**
   * Writes a consistent copy of the whole log, as of one moment during the call, without stopping writers.
   * @param file         must not exist; on failure nothing is left there
   * @param requireRoom  asked before anything is written, with the most bytes that the copy may have; may throw
   * @throws DISK_FULL, EVENT_STORE_UNAVAILABLE
   */
  backupTo(file: string, requireRoom?: (bytes: number) => void): Promise<void>;
}

export const LOG_BACKUP = Symbol('LogBackup');
