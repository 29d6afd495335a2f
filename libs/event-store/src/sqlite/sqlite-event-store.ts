import { statSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Appended,
  type AppendOptions,
  type Clock,
  derivedEventId,
  encodeAppend,
  type EventStore,
  type ExpectedVersion,
  HoldfastError,
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
import {
  type Doorbell,
  inTransaction,
  isBusy,
  openDatabase,
  openDoorbell,
  translateSqliteError,
} from '@holdfast/sqlite';
import { AppendQueue } from './append-queue.ts';
import { backUpDatabase } from './backup.ts';
import { followPages } from './follow-pages.ts';
import { EventReader } from './read-events.ts';
import { MIGRATIONS, toPosition } from './schema.ts';
import { prepareWriting, type PreparedAppend, type WriteEvents } from './write-events.ts';

const WHAT = 'the event log';
/** How long another process may keep the log locked: it never does for more than a batch. */
const BUSY_DEADLINE_MS = 30_000;
const BUSY_RETRY_MS = 1;
const CACHE_KIB = 16 * 1024;
/** A body of 9 KB then takes one page of its own instead of three. */
const PAGE_BYTES = 8 * 1024;
/** How far the write-ahead log grows before it is copied into the file: 4 MiB, as 16 stall every fsync on the disk for 60 ms. */
const CHECKPOINT_PAGES = 512;

export interface SqliteEventStoreOptions {
  readonly file: string;
  /** The doorbell that wakes other processes after an append. */
  readonly bellFile: string;
  readonly clock: Clock;
  /** Where there is no log yet, begin one with a new identity. */
  readonly createIfMissing: boolean;
}

/**
 * Opens the event log of one machine. Several processes may have it open and append.
 * @throws DATA_DIR_UNUSABLE (also for a log that is missing and not to be made), DATABASE_CORRUPT,
 *         SCHEMA_TOO_NEW, DISK_FULL, STORAGE_UNAVAILABLE
 */
export function openSqliteEventStore(options: SqliteEventStoreOptions): Promise<EventStore & LogBackup> {
  return new Promise((resolve) => {
    resolve(new SqliteEventStore(options));
  });
}

class SqliteEventStore implements EventStore, LogBackup {
  readonly #file: string;
  readonly #inode: number;
  readonly #db: DatabaseSync;
  readonly #bell: Doorbell;
  readonly #reader: EventReader;
  readonly #write: WriteEvents;
  readonly #queue = new AppendQueue((batch) => this.#commit(batch));
  readonly #logId: string;
  readonly #closing = new AbortController();

  constructor({ file, bellFile, clock, createIfMissing }: SqliteEventStoreOptions) {
    const isThere = (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0;
    if (!isThere && !createIfMissing) throw missing(file);
    this.#file = file;
    this.#db = openDatabase(file, {
      durability: 'full',
      migrations: MIGRATIONS,
      what: WHAT,
      pageSize: PAGE_BYTES,
    });
    try {
      this.#db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      this.#db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
      this.#reader = new EventReader(this.#db);
      this.#write = prepareWriting(this.#db);
      if (createIfMissing) this.#begin(clock);
      this.#logId = this.#readIdentity();
      this.#inode = statSync(file).ino;
      // From here on waiting for another process is done without blocking this one.
      this.#db.exec('PRAGMA busy_timeout = 0');
      this.#bell = openDoorbell(bellFile);
    } catch (error) {
      this.#db.close();
      throw translateSqliteError(error, { attempted: `to open ${WHAT}`, file });
    }
  }

  async append(
    stream: string,
    events: readonly NewEvent[],
    expectedVersion: ExpectedVersion,
    options: AppendOptions = {},
  ): Promise<Appended> {
    this.#refuseClosed();
    const encoded = encodeAppend(stream, events, expectedVersion);
    return await this.#queue.add({
      stream,
      events: encoded,
      expectedVersion,
      keepLatest: options.keepLatest ?? null,
    });
  }

  readStream(stream: string, options: ReadStreamOptions): Promise<RecordedEvent[]> {
    return this.#whenFree('to read', () => this.#reader.readStream(stream, options));
  }

  readLog(options: ReadLogOptions): Promise<LogPage> {
    return this.#whenFree('to read', () => this.#reader.readLog(options));
  }

  readAt(positions: readonly Position[], options: { withBodies?: boolean } = {}): Promise<LogEntry[]> {
    return this.#whenFree('to read', () => this.#reader.readAt(positions, options.withBodies));
  }

  subscribe(options: SubscribeOptions): AsyncIterable<LogPage> {
    return followPages(
      options,
      (page) => this.readLog(page),
      (callback) => {
        const stopListening = this.#bell.listen(callback);
        this.#closing.signal.addEventListener('abort', callback);
        return () => {
          stopListening();
          this.#closing.signal.removeEventListener('abort', callback);
        };
      },
    );
  }

  async identity(): Promise<string> {
    this.#refuseClosed();
    return await Promise.resolve(this.#logId);
  }

  head(): Promise<Position> {
    return this.#whenFree('to read', () => toPosition(this.#reader.lastRow()));
  }

  async backupTo(file: string, requireRoom?: (bytes: number) => void): Promise<void> {
    this.#refuseClosed();
    requireRoom?.(bytesOf(this.#db));
    await backUpDatabase(this.#file, file);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#queue.idle();
    this.#bell.close();
    if (this.#db.isOpen) this.#db.close();
  }

  async #commit(batch: readonly PreparedAppend[]): Promise<(Appended | HoldfastError)[]> {
    const outcomes = await this.#retryWhileBusy('to append to', () =>
      inTransaction(this.#db, () => batch.map((append) => this.#write(append))),
    );
    this.#bell.ring();
    return outcomes;
  }

  async #whenFree<T>(attempted: string, run: () => T): Promise<T> {
    this.#refuseClosed();
    return await this.#retryWhileBusy(attempted, run);
  }

  async #retryWhileBusy<T>(attempted: string, run: () => T): Promise<T> {
    const deadline = Date.now() + BUSY_DEADLINE_MS;
    for (;;) {
      try {
        this.#refuseReplaced();
        return run();
      } catch (error) {
        if (!isBusy(error) || Date.now() > deadline) {
          throw translateSqliteError(error, { attempted: `${attempted} ${WHAT}`, file: this.#file });
        }
      }
      await sleep(BUSY_RETRY_MS);
      if (!this.#db.isOpen) throw storeClosed();
    }
  }

  #refuseClosed(): void {
    if (this.#closing.signal.aborted) throw storeClosed();
  }

  /** What is appended to a file that has lost its name is lost with this process. */
  #refuseReplaced(): void {
    if (statSync(this.#file, { throwIfNoEntry: false })?.ino === this.#inode) return;
    throw new HoldfastError(
      'LOG_MISMATCH',
      `The file of the event log (${this.#file}) was moved, deleted or replaced while in use. Put it back and start again.`,
      { context: { file: this.#file } },
    );
  }

  #begin(clock: Clock): void {
    if (this.#reader.lastRow() > 0) return;
    const logId = randomUUID();
    const event: NewEvent = {
      type: 'LogCreated',
      id: derivedEventId('log-created', logId),
      data: { logId },
      metadata: { correlationId: logId, causationId: logId, actor: 'local', at: clock.now().toISOString() },
    };
    const events = encodeAppend(LOG_STREAM, [event], 'none');
    // Another process that begins the log at this moment makes this a conflict, and its identity counts.
    inTransaction(this.#db, () =>
      this.#write({ stream: LOG_STREAM, events, expectedVersion: 'none', keepLatest: null }),
    );
  }

  #readIdentity(): string {
    const first = this.#reader.first();
    if (first === null) throw missing(this.#file);
    if (first.type === 'LogCreated') return first.data.logId;
    throw new HoldfastError(
      'DATABASE_CORRUPT',
      `The event log (${this.#file}) does not begin with the event that names it. Restore it from a backup.`,
      { context: { file: this.#file }, ...(first.type === 'Unreadable' ? { cause: first.error } : {}) },
    );
  }
}

const missing = (file: string): HoldfastError =>
  new HoldfastError(
    'DATA_DIR_UNUSABLE',
    `The event log ${file} is missing. Restore it from a backup, or start with an empty data directory.`,
    { context: { file } },
  );

/** Of the database as it is read now, what is not in its main file yet included. */
function bytesOf(db: DatabaseSync): number {
  const pages = db.prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size');
  return (pages.get() as { bytes: number }).bytes;
}
