import { ErrorType } from '@eventstore/db-client';
import {
  type Appended,
  bodyStream,
  encodeChunkData,
  type EncodedEvent,
  type ExpectedVersion,
  versionConflict,
} from '@holdfast/domain';
import type { Connection } from './connection.ts';
import type { EventReader } from './read-events.ts';
import { type StreamTail, StreamTails } from './stream-tails.ts';
import { type Sendable, toChunkEvent, toPosition, toSendable } from './schema.ts';

export interface PreparedAppend {
  readonly stream: string;
  readonly events: readonly EncodedEvent[];
  readonly expectedVersion: ExpectedVersion;
  readonly keepLatest: number | undefined;
}

/** How many of a stream's latest events an append to any version is compared with. */
const LOOK_BACK = 1_000;
/** How often an append to any version is tried while others append to the same stream. */
const MAX_ATTEMPTS = 50;

/** Appends to one log. Appends to one stream must not be made at once: the server sees calls in any order. */
export class EventWriter {
  readonly #connection: Connection;
  readonly #reader: EventReader;
  readonly #prefix: string;
  readonly #tails = new StreamTails(LOOK_BACK);
  /** What each stream is known to keep. */
  readonly #kept = new Map<string, number>();

  constructor(connection: Connection, reader: EventReader, prefix: string) {
    this.#connection = connection;
    this.#reader = reader;
    this.#prefix = prefix;
  }

  /**
   * Bodies lie in their events where the server takes them all at once, and are cut where it says that they
   * are too large together: it takes 1 MiB up to version 25.0, unless it is set otherwise.
   * @throws STREAM_VERSION_CONFLICT, and what the client throws
   */
  async append(append: PreparedAppend): Promise<Appended> {
    const { stream, events, keepLatest } = append;
    if (keepLatest !== undefined) await this.#keepLatest(stream, keepLatest);
    try {
      return await this.#send(append, toSendable(events, keepLatest, Infinity));
    } catch (error) {
      const { type, maxAppendSize } = error as { type?: string; maxAppendSize?: number };
      if (type !== ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED || maxAppendSize === undefined) throw error;
      return await this.#send(append, toSendable(events, keepLatest, maxAppendSize));
    }
  }

  async #send({ stream, expectedVersion }: PreparedAppend, sendable: readonly Sendable[]): Promise<Appended> {
    await this.#appendChunks(sendable);
    if (expectedVersion === 'any') return await this.#appendToAny(stream, sendable);
    return await this.#appendExactly(stream, sendable, expectedVersion);
  }

  /** The server compares the ids of what is appended again with those that stand there. */
  async #appendExactly(
    stream: string,
    sendable: readonly Sendable[],
    expected: number | 'none',
  ): Promise<Appended> {
    try {
      const { nextExpectedRevision, position } = await this.#connection.append(
        this.#prefix + stream,
        sendable.map(({ event }) => event),
        expected === 'none' ? expected : BigInt(expected),
      );
      const version = Number(nextExpectedRevision);
      if (sendable.length === 1 && position !== undefined && position.commit === position.prepare) {
        return { version, position: toPosition(position) };
      }
      return { version, position: await this.#positionOf(stream, version) };
    } catch (error) {
      const actual = actualVersion(error);
      throw actual === undefined ? error : versionConflict(stream, expected, actual);
    }
  }

  /**
   * The server remembers only for a while, and in memory, what was appended to any version. So the ids are
   * looked for here, and the append then names the version it was looked at.
   */
  async #appendToAny(stream: string, sendable: readonly Sendable[]): Promise<Appended> {
    const ids = sendable.map(({ event }) => event.id);
    for (let attempt = 1; ; attempt += 1) {
      const known = this.#tails.get(stream);
      const { version, ids: present } = known ?? (await this.#readTail(stream));
      if (ids.some((id) => present.has(id))) return await this.#repeated(stream, ids);
      try {
        const appended = await this.#appendExactly(stream, sendable, version ?? 'none');
        this.#tails.extend(stream, appended.version, ids);
        return appended;
      } catch (error) {
        // Others append to the stream, or nobody knows whether this was stored.
        this.#tails.forget(stream);
        const isRace = (error as { code?: string }).code === 'STREAM_VERSION_CONFLICT';
        if (!isRace || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #readTail(stream: string): Promise<StreamTail> {
    const present = await this.#reader.latest(stream, LOOK_BACK);
    const ids = present.map(({ id }) => id);
    return this.#tails.set(stream, present[0]?.version ?? null, ids);
  }

  /**
   * The answer to events some of which are in the stream.
   * @throws STREAM_VERSION_CONFLICT where they are not all there, one after another
   */
  async #repeated(stream: string, ids: readonly string[]): Promise<Appended> {
    const present = await this.#reader.latest(stream, LOOK_BACK);
    const first = present.findIndex(({ id }) => id === ids[0]);
    const there = present.slice(Math.max(0, first - ids.length + 1), first + 1).reverse();
    const last = there.at(-1);
    const isRepeat = there.length === ids.length && there.every(({ id }, index) => id === ids[index]);
    if (!isRepeat || last === undefined) throw versionConflict(stream, 'any', present[0]?.version ?? null);
    return { version: last.version, position: last.position };
  }

  /** Of the last of several events, which the server's answer does not surely tell. */
  async #positionOf(stream: string, version: number): Promise<string> {
    const [event] = await this.#reader.readStream(stream, { fromVersion: version, maxCount: 1 });
    return event?.position ?? '';
  }

  /** Chunks that are there already, of another document or an earlier try, are passed over. */
  async #appendChunks(sendable: readonly Sendable[]): Promise<void> {
    const done = new Set<string>();
    for (const { cut, metadata } of sendable) {
      if (cut === null || done.has(cut.reference.sha256)) continue;
      done.add(cut.reference.sha256);
      const stream = bodyStream(cut.reference.sha256);
      const there = ((await this.#reader.latest(stream, 1))[0]?.version ?? -1) + 1;
      for (const chunk of cut.chunks.slice(there)) {
        const data = encodeChunkData(chunk, cut.reference);
        const event = toChunkEvent({ id: chunk.id, body: chunk.body, data, metadata });
        const expected = chunk.index === 0 ? 'none' : chunk.index - 1;
        await this.#appendExactly(stream, [{ event, metadata, cut: null }], expected);
      }
    }
  }

  async #keepLatest(stream: string, count: number): Promise<void> {
    if (this.#kept.get(stream) === count) return;
    const name = this.#prefix + stream;
    if ((await this.#connection.maxCountOf(name)) !== count) await this.#connection.setMaxCount(name, count);
    this.#kept.set(stream, count);
  }
}

/** @returns undefined where the error is no conflict */
function actualVersion(error: unknown): number | null | undefined {
  const { type, actualVersion: actual } = error as { type?: string; actualVersion?: bigint | string };
  if (type !== ErrorType.WRONG_EXPECTED_VERSION) return undefined;
  return typeof actual === 'bigint' ? Number(actual) : null;
}
