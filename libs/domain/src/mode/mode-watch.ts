import { AwaitedPositions } from '../awaited-positions.ts';
import { HoldfastError, toHoldfastError } from '../errors.ts';
import { followLog } from '../follow-log.ts';
import type { EventOf } from '../events.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventStore } from '../ports/event-store.ts';
import { isPositionAtOrAfter, type Position } from '../position.ts';
import { MODE_STREAM } from './events.ts';
import { evolveMode, initialMode, type Mode } from './mode.ts';

const STALE_AFTER_MS = 2_000;
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * One process's knowledge of the mode: kept current by a subscription, never by a cache with a time
 * to live. It keeps the last mode when the log goes silent, and says so.
 */
export class ModeWatch {
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #awaited: AwaitedPositions;
  readonly #stop = new AbortController();
  #mode: Mode = initialMode;
  #lastChange: EventOf<'ModeChanged'> | null = null;
  #position: Position | null = null;
  #heardAt = Number.NEGATIVE_INFINITY;
  #following: Promise<void> = Promise.resolve();

  constructor(ports: { store: EventStore; clock: Clock }) {
    this.#store = ports.store;
    this.#clock = ports.clock;
    this.#awaited = new AwaitedPositions(ports.clock);
  }

  /** Resolves once the present mode is known; then follows it until `close`. */
  async start(onTrouble: (error: HoldfastError) => void): Promise<void> {
    // Before reading the mode: a change between the two is then seen by the subscription.
    this.#position = await this.#store.head();
    const [last] = await this.#store.readStream(MODE_STREAM, { direction: 'backwards', maxCount: 1 });
    if (last?.type === 'ModeChanged') this.#take(last);
    this.#heard();
    this.#following = followLog({
      store: this.#store,
      clock: this.#clock,
      after: () => this.#position,
      filter: { types: ['ModeChanged'], streamPrefixes: [MODE_STREAM] },
      signal: this.#stop.signal,
      handle: (page) => {
        for (const event of page.events) if (event.type === 'ModeChanged') this.#take(event);
        this.#position = page.next;
        this.#heard();
      },
      onCurrent: () => {
        this.#heard();
      },
      onTrouble,
    }).catch((error: unknown) => {
      onTrouble(toHoldfastError(error));
    });
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** The event that made the mode what it is; null before any. */
  get lastChange(): EventOf<'ModeChanged'> | null {
    return this.#lastChange;
  }

  /** The process has not heard from the log for 2 s: the mode may have changed since. */
  get isStale(): boolean {
    return this.#clock.now().getTime() - this.#heardAt > STALE_AFTER_MS;
  }

  /** @returns a function that ends the listening */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves once this process resolves by the mode of that position, or a later one.
   * @throws MODE_LAGGING (transient) after `timeoutMs`, 10,000 by default
   */
  async reached(position: Position, options: { timeoutMs?: number } = {}): Promise<void> {
    if (isPositionAtOrAfter(this.#lastChange?.position ?? null, position)) return;
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (await this.#awaited.wait(position, { timeoutMs })) return;
    const known = this.#lastChange?.position ?? null;
    throw new HoldfastError(
      'MODE_LAGGING',
      `This process has not heard of the change of mode at position ${position} after ${timeoutMs} ms; the last one it knows is ${known ?? 'none'}. What was changed is safe, and holds as soon as it is heard of; ask again in a moment.`,
      { context: { position, known } },
    );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }

  #take(event: EventOf<'ModeChanged'>): void {
    if (this.#lastChange !== null && event.position <= this.#lastChange.position) return;
    this.#mode = evolveMode(this.#mode, event);
    this.#lastChange = event;
    this.#awaited.arrived(event.position);
    for (const listener of [...this.#listeners]) listener();
  }

  #heard(): void {
    this.#heardAt = this.#clock.now().getTime();
  }
}
