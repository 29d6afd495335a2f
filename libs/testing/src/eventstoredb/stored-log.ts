export interface ProposedEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface StoredEvent extends ProposedEvent {
  readonly stream: string;
  readonly revision: number;
  /** Commit and prepare position in one, as for all events that were not written in a transaction. */
  readonly position: bigint;
  readonly createdMs: number;
}

export type ExpectedRevision = number | 'any' | 'no-stream' | 'stream-exists';

export type AppendOutcome =
  | { readonly kind: 'stored'; readonly last: StoredEvent }
  /** `current` is null where there is no such stream. */
  | { readonly kind: 'wrong-revision'; readonly current: number | null }
  | { readonly kind: 'too-large' };

/** Every so many appends the server writes an event of its own. */
const STATISTICS_EVERY = 5;

/**
 * What the server keeps: it outlives a restart, unless it is told not to. Positions grow by the size of
 * events, as offsets in a file do, so that nobody counts on +1, and system events lie among the others.
 */
export class StoredLog {
  readonly events: StoredEvent[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #streams = new Map<string, StoredEvent[]>();
  readonly #maxAppendBytes: number;
  #position = 0n;
  #appends = 0;

  constructor(maxAppendBytes: number) {
    this.#maxAppendBytes = maxAppendBytes;
    this.#writeStatistics();
  }

  /** The rules of the server's CheckCommit. */
  append(stream: string, expected: ExpectedRevision, events: readonly ProposedEvent[]): AppendOutcome {
    const bytes = events.reduce(
      (sum, { data, metadata, type }) => sum + data.length + metadata.length + 2 * type.length,
      0,
    );
    if (bytes > this.#maxAppendBytes) return { kind: 'too-large' };
    const present = this.#streams.get(stream) ?? [];
    const current = present.length - 1;
    const wrong: AppendOutcome = { kind: 'wrong-revision', current: current < 0 ? null : current };
    if (expected === 'stream-exists' && current < 0) return wrong;
    if (expected === 'no-stream' || typeof expected === 'number') {
      const before = expected === 'no-stream' ? -1 : expected;
      if (before > current) return wrong;
      if (before < current) {
        const isRepeat = events.every(({ id }, index) => present[before + 1 + index]?.id === id);
        const last = present[before + events.length];
        return isRepeat && last !== undefined ? { kind: 'stored', last } : wrong;
      }
    }
    const stored = events.map((event) => this.#write(stream, event));
    this.#appends += 1;
    if (this.#appends % STATISTICS_EVERY === 0) this.#writeStatistics();
    for (const listener of [...this.#listeners]) listener();
    return { kind: 'stored', last: stored.at(-1) as StoredEvent };
  }

  /** A stream, and the first revision that reads of it still show; null where it does not exist. */
  stream(name: string): { events: readonly StoredEvent[]; firstShown: number } | null {
    const events = this.#streams.get(name);
    if (events === undefined) return null;
    const { $maxCount = Infinity, $tb = 0 } = this.#streamMetadata(name);
    return { events, firstShown: Math.max(0, events.length - $maxCount, $tb) };
  }

  /** The index of the first event at or after a position. */
  indexOf(position: bigint): number {
    let [low, high] = [0, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle] as StoredEvent).position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @returns a function that stops listening */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #streamMetadata(name: string): { $maxCount?: number; $tb?: number } {
    const last = this.#streams.get(`$$${name}`)?.at(-1);
    return last === undefined
      ? {}
      : (JSON.parse(Buffer.from(last.data).toString()) as { $maxCount?: number; $tb?: number });
  }

  #write(stream: string, event: ProposedEvent): StoredEvent {
    const present = this.#streams.get(stream) ?? [];
    this.#streams.set(stream, present);
    this.#position += BigInt(64 + event.data.length + event.metadata.length);
    const place = { stream, revision: present.length, position: this.#position, createdMs: Date.now() };
    const stored = { ...event, ...place };
    present.push(stored);
    this.events.push(stored);
    return stored;
  }

  #writeStatistics(): void {
    this.#write('$stats-127.0.0.1:2113', {
      id: `00000000-0000-4000-9000-${this.events.length.toString(16).padStart(12, '0')}`,
      type: '$statsCollected',
      contentType: 'application/json',
      data: Buffer.from(JSON.stringify({ 'es-appends': this.#appends })),
      metadata: Buffer.alloc(0),
    });
  }
}
