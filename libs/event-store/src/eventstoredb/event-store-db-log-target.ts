import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, HoldfastError, type Position } from '@holdfast/domain';
import { differenceOf, named, type StoredEvent } from '../copy/stored-event.ts';
import { Connection } from './connection.ts';
import { EventReader } from './read-events.ts';
import { asStored, fromStored, toStored } from './schema.ts';
import { translateError } from './translate-error.ts';

const DEADLINE_MS = 10_000;
/** How long a server may fail before the copy is given up. */
const PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** A log on an EventStoreDB as it is stored. What fails for a while is tried again, without doubling anything. */
export class EventStoreDbLogTarget {
  readonly #connection: Connection;
  readonly #reader: EventReader;
  readonly #prefix: string;
  readonly #signal: AbortSignal;
  #failingSince: number | null = null;
  #pauseMs = FIRST_PAUSE_MS;

  /** @throws CONFIG_INVALID */
  constructor({ url, streamPrefix }: { url: string; streamPrefix: string }, signal: AbortSignal) {
    this.#connection = new Connection(url, DEADLINE_MS);
    this.#prefix = streamPrefix;
    this.#signal = signal;
    this.#reader = new EventReader(this.#connection, streamPrefix, () => ({ commit: 0n, prepare: 0n }));
  }

  /** Address for messages, without credentials. */
  get server(): string {
    return this.#connection.server;
  }

  /** Whether it can be stored there so that it is read back byte for byte. */
  canTake(event: StoredEvent): boolean {
    if (event.stream.startsWith('$') || event.type.startsWith('$')) return false;
    try {
      return differenceOf(asStored(fromStored(event), event), event) === null;
    } catch {
      return false;
    }
  }

  /** All of it, in order. */
  async *events(): AsyncGenerator<StoredEvent, void, undefined> {
    let after: Position | null = null;
    for (;;) {
      try {
        for await (const fetched of this.#reader.stored(after)) {
          this.#works();
          after = fetched.raw.position;
          yield toStored(fetched);
        }
        return;
      } catch (error) {
        await this.#pause(error, 'to read the log');
      }
    }
  }

  /**
   * Puts the event where it belongs: it may be there already.
   * @throws LOG_COPY_DIFFERS where another one is there
   */
  async append(event: StoredEvent): Promise<void> {
    const { stream, version } = event;
    const expected = version === 0 ? 'none' : BigInt(version - 1);
    for (;;) {
      try {
        await this.#connection.append(this.#prefix + stream, [fromStored(event)], expected);
        this.#works();
        return;
      } catch (error) {
        if ((error as { type?: string }).type === 'wrong-expected-version') {
          throw somebodyElse(this.server, event, error);
        }
        await this.#pause(error, `to append to ${stream}`);
      }
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  #works(): void {
    this.#failingSince = null;
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  async #pause(error: unknown, attempted: string): Promise<void> {
    this.#signal.throwIfAborted();
    const known = translateError(error, attempted, this.server);
    this.#failingSince ??= performance.now();
    const isPatient = performance.now() - this.#failingSince < PATIENCE_MS;
    if (!hasCode(known, 'EVENT_STORE_UNAVAILABLE') || !isPatient) throw known;
    await sleep(this.#pauseMs * (0.5 + Math.random() / 2), undefined, { signal: this.#signal }).catch(() => {
      this.#signal.throwIfAborted();
    });
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

const somebodyElse = (server: string, event: StoredEvent, cause: unknown): HoldfastError =>
  new HoldfastError(
    'LOG_COPY_DIFFERS',
    `Somebody else writes to the log at ${server}: where ${named(event)} belongs there is another event, or the one before it is missing. Stop whoever it is; copy again to an empty server.`,
    { context: { server, stream: event.stream, version: event.version }, cause },
  );
