import { randomUUID } from 'node:crypto';
import {
  type Appended,
  type AppendOptions,
  type Clock,
  derivedEventId,
  encodeAppend,
  type EventStore,
  type ExpectedVersion,
  type HeldLock,
  HoldfastError,
  type LockKeeper,
  type LockName,
  LOG_STREAM,
  type LogBackup,
  type LogEntry,
  type LogPage,
  type NewEvent,
  type Position,
  type ReadLogOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  storeClosed,
  type SubscribeOptions,
} from '@holdfast/domain';
import { Connection } from './connection.ts';
import { followLogLive } from './follow-log-live.ts';
import { EventReader } from './read-events.ts';
import { type LogPlace, toPlace } from './schema.ts';
import { StreamQueue } from './stream-queue.ts';
import { takeSubscriberLock } from './subscriber-lock.ts';
import { translateError } from './translate-error.ts';
import { EventWriter } from './write-events.ts';

const DEADLINE_MS = 10_000;
/** How long a log that was found to be the right one is taken to be it, while nothing fails. */
const TRUSTED_MS = 1_000;
/** Where a server before 22.6 has the position of an event read from its stream. */
const NO_POSITION = 2n ** 63n;

export interface EventStoreDbOptions {
  /** `esdb://[user:password@]host:port[,…][?tls=false&…]` */
  readonly url: string;
  readonly clock: Clock;
  /** Where there is no log yet, begin one with a new identity. */
  readonly createIfMissing: boolean;
  /** What the names of all its streams begin with, where several logs lie on one server. Default: nothing. */
  readonly streamPrefix?: string;
  /** How long any call may take, and a read may go without an event. Default 10 seconds. */
  readonly deadlineMs?: number;
}

/**
 * Opens the event log on a server of EventStoreDB (KurrentDB), 22.6 or later. Several processes may have it
 * open and append. An append to `any` version is compared with the stream's latest 1,000 events only.
 * @throws EVENT_STORE_UNAVAILABLE, EVENT_STORE_ACCESS_DENIED, CONFIG_INVALID for a URL or a server that cannot be used,
 *         LOG_MISMATCH for a log that is missing and not to be made
 */
export async function openEventStoreDb(
  options: EventStoreDbOptions,
): Promise<EventStore & LockKeeper & LogBackup> {
  const store = new EventStoreDbEventStore(options);
  try {
    await store.begin(options);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class EventStoreDbEventStore implements EventStore, LockKeeper, LogBackup {
  readonly #connection: Connection;
  readonly #reader: EventReader;
  readonly #writer: EventWriter;
  readonly #prefix: string;
  readonly #deadlineMs: number;
  readonly #queue = new StreamQueue();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | null = null;
  #logId = '';
  #first: LogPlace = { commit: 0n, prepare: 0n };
  #trustedAt = -Infinity;
  #checking: Promise<void> | null = null;

  constructor({ url, streamPrefix = '', deadlineMs = DEADLINE_MS }: EventStoreDbOptions) {
    this.#connection = new Connection(url, deadlineMs);
    this.#prefix = streamPrefix;
    this.#deadlineMs = deadlineMs;
    this.#reader = new EventReader(this.#connection, streamPrefix, () => this.#first);
    this.#writer = new EventWriter(this.#connection, this.#reader, streamPrefix);
  }

  /** Finds the log, or makes it. */
  async begin({ clock, createIfMissing }: EventStoreDbOptions): Promise<void> {
    await this.#translated('to open the log', async () => {
      const first = (await this.#readFirst()) ?? (createIfMissing ? await this.#create(clock) : null);
      if (first === null) throw this.#missing();
      this.#first = toPlace(first.position);
      if (this.#first.commit >= NO_POSITION) throw this.#tooOld();
      this.#logId = first.logId;
      this.#trustedAt = performance.now();
    });
  }

  append(
    stream: string,
    events: readonly NewEvent[],
    expectedVersion: ExpectedVersion,
    options: AppendOptions = {},
  ): Promise<Appended> {
    return this.#during(`to append to ${stream}`, () => {
      const encoded = encodeAppend(stream, events, expectedVersion);
      return this.#queue.run(stream, async () => {
        await this.#makeSure();
        const { keepLatest } = options;
        return await this.#writer.append({ stream, events: encoded, expectedVersion, keepLatest });
      });
    });
  }

  readStream(stream: string, options: ReadStreamOptions): Promise<RecordedEvent[]> {
    return this.#during(`to read ${stream}`, async () => {
      await this.#makeSure();
      return await this.#reader.readStream(stream, options);
    });
  }

  readLog(options: ReadLogOptions): Promise<LogPage> {
    return this.#during('to read the log', async () => {
      await this.#makeSure();
      const { events, next, isEnd } = await this.#reader.readLog(options);
      return { events, next, isEnd };
    });
  }

  readAt(positions: readonly Position[], options: { withBodies?: boolean } = {}): Promise<LogEntry[]> {
    return this.#during('to read single events', async () => {
      await this.#makeSure();
      return await this.#reader.readAt(positions, options.withBodies);
    });
  }

  async *subscribe(options: SubscribeOptions): AsyncGenerator<LogPage, void, undefined> {
    if (options.signal.aborted) return;
    // A subscription made anew may have found another log in the place of this one.
    await this.#during('to a subscriber', () => this.#check());
    yield* followLogLive(options, {
      connection: this.#connection,
      reader: this.#reader,
      prefix: this.#prefix,
      first: this.#first,
      deadlineMs: this.#deadlineMs,
      refuseClosed: () => {
        this.#refuseClosed();
      },
      onClose: (callback) => {
        this.#closing.signal.addEventListener('abort', callback);
        return () => {
          this.#closing.signal.removeEventListener('abort', callback);
        };
      },
    });
  }

  async identity(): Promise<string> {
    this.#refuseClosed();
    return await Promise.resolve(this.#logId);
  }

  head(): Promise<Position> {
    return this.#during('to read the head of the log', async () => {
      await this.#makeSure();
      return await this.#reader.head();
    });
  }

  async takeLock(name: LockName): Promise<HeldLock> {
    const held = await this.#during(`to take the lock ${name}`, async () => {
      await this.#makeSure();
      return await takeSubscriberLock(this.#connection, `${this.#prefix}lock-${name}`);
    });
    const release = async (): Promise<void> => {
      this.#closing.signal.removeEventListener('abort', onClose);
      await held.release();
    };
    const onClose = (): void => void release();
    this.#closing.signal.addEventListener('abort', onClose);
    return { lost: held.lost, release };
  }

  backupTo(): Promise<void> {
    return Promise.reject(
      new HoldfastError(
        'BACKUP_UNSUPPORTED',
        `The event log is on the server at ${this.#connection.server}: back it up there, by the server's own means.`,
        { context: { server: this.#connection.server } },
      ),
    );
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#closed ??= Promise.allSettled(this.#underWay).then(() => this.#connection.close());
    return this.#closed;
  }

  async #during<T>(attempted: string, work: () => Promise<T>): Promise<T> {
    this.#refuseClosed();
    const result = this.#translated(attempted, work);
    this.#underWay.add(result);
    try {
      return await result;
    } finally {
      this.#underWay.delete(result);
    }
  }

  async #translated<T>(attempted: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const translated = translateError(error, attempted, this.#connection.server);
      // Behind a lost connection may come back another log.
      if (translated.kind === 'transient') this.#trustedAt = -Infinity;
      throw translated;
    }
  }

  #refuseClosed(): void {
    if (this.#closing.signal.aborted) throw storeClosed();
  }

  /** @throws LOG_MISMATCH where the server has lost the log or has another one by now */
  async #makeSure(): Promise<void> {
    if (performance.now() - this.#trustedAt < TRUSTED_MS) return;
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null;
    });
    await this.#checking;
  }

  async #check(): Promise<void> {
    const first = await this.#readFirst();
    if (first === null) throw this.#missing();
    if (first.logId !== this.#logId) {
      throw new HoldfastError(
        'LOG_MISMATCH',
        `The server at ${this.#connection.server} has another event log than before (${first.logId}, not ${this.#logId}). See the runbook, "Log mismatch".`,
        { context: { expected: this.#logId, found: first.logId } },
      );
    }
    this.#trustedAt = performance.now();
  }

  async #readFirst(): Promise<{ logId: string; position: Position } | null> {
    const [first] = await this.#reader.readStream(LOG_STREAM, { fromVersion: 0, maxCount: 1 });
    return first?.type === 'LogCreated' ? { logId: first.data.logId, position: first.position } : null;
  }

  async #create(clock: Clock): Promise<{ logId: string; position: Position } | null> {
    const logId = randomUUID();
    const event: NewEvent = {
      type: 'LogCreated',
      id: derivedEventId('log-created', logId),
      data: { logId },
      metadata: { correlationId: logId, causationId: logId, actor: 'local', at: clock.now().toISOString() },
    };
    const events = encodeAppend(LOG_STREAM, [event], 'none');
    try {
      await this.#writer.append({
        stream: LOG_STREAM,
        events,
        expectedVersion: 'none',
        keepLatest: undefined,
      });
    } catch (error) {
      // Another process begins the log at this moment, and its identity counts.
      if ((error as { code?: string }).code !== 'STREAM_VERSION_CONFLICT') throw error;
    }
    return await this.#readFirst();
  }

  #missing(): HoldfastError {
    return new HoldfastError(
      'LOG_MISMATCH',
      `The event log is missing from the server at ${this.#connection.server}. Restore the server from a backup; a new log is begun only where there was none.`,
      { context: { server: this.#connection.server, streamPrefix: this.#prefix } },
    );
  }

  #tooOld(): HoldfastError {
    return new HoldfastError(
      'CONFIG_INVALID',
      `The server at ${this.#connection.server} does not tell the position of events read from streams. EventStoreDB 22.6 or later is needed.`,
      { context: { server: this.#connection.server } },
    );
  }
}
