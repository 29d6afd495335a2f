/** What is known of the end of a stream. */
export interface StreamTail {
  /** Of its last event; null where there is none. */
  readonly version: number | null;
  /** Of its latest events. */
  readonly ids: ReadonlySet<string>;
}

/** Streams whose end is remembered. */
const MAX_STREAMS = 256;

/** The ends of the streams that were appended to of late, so that they need not be read again for each append. */
export class StreamTails {
  readonly #maxIds: number;
  /** The least recently used first. */
  readonly #tails = new Map<string, { version: number | null; ids: Set<string> }>();

  /** @param maxIds  how many events of a stream are remembered */
  constructor(maxIds: number) {
    this.#maxIds = maxIds;
  }

  get(stream: string): StreamTail | undefined {
    return this.#tails.get(stream);
  }

  /** @param ids  of the stream's latest events, the last first */
  set(stream: string, version: number | null, ids: readonly string[]): StreamTail {
    return this.#keep(stream, { version, ids: new Set(ids.toReversed()) });
  }

  /** What was appended right after the end that is known. */
  extend(stream: string, version: number, ids: readonly string[]): void {
    const tail = this.#tails.get(stream);
    if (tail === undefined) return;
    for (const id of ids) tail.ids.add(id);
    for (const id of tail.ids) {
      if (tail.ids.size <= this.#maxIds) break;
      tail.ids.delete(id);
    }
    tail.version = version;
    this.#keep(stream, tail);
  }

  forget(stream: string): void {
    this.#tails.delete(stream);
  }

  #keep(stream: string, tail: { version: number | null; ids: Set<string> }): StreamTail {
    this.#tails.delete(stream);
    this.#tails.set(stream, tail);
    for (const oldest of this.#tails.keys()) {
      if (this.#tails.size <= MAX_STREAMS) break;
      this.#tails.delete(oldest);
    }
    return tail;
  }
}
