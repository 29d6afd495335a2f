/** What happened in one second, and how much waited at its end. */
export interface Second {
  /** Ms since 1970. */
  readonly at: number;
  readonly published: number;
  readonly deleted: number;
  readonly replicated: number;
  readonly failed: number;
  /** From publishing to the bucket; null: nothing arrived there. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly queue: number | null;
}

/** As `/v1/live` counts it. */
export interface Activity {
  readonly published: number;
  readonly deleted: number;
  readonly replicated: number;
  readonly failed: number;
  readonly deadLettered: number;
  readonly replicationMs?: { readonly p50: number; readonly p99: number } | null;
  readonly recent: readonly { type: string; path: string; version: number; at: string }[];
}

export const SECONDS_KEPT = 120;
const RECENT_KEPT = 12;

const nothing = { published: 0, deleted: 0, replicated: 0, failed: 0, p50Ms: null, p99Ms: null };

/** The last two minutes of the product, for the small charts; kept for the whole page, whatever part of it is shown. */
export class Pulse {
  #seconds: readonly Second[];
  #current: Omit<Second, 'at' | 'queue'> = nothing;
  #queue: number | null = null;
  #recent: Activity['recent'] = [];
  readonly #listeners = new Set<() => void>();

  constructor(now: number) {
    // Empty seconds, so that a chart keeps its scale of time from the first one on.
    this.#seconds = Array.from({ length: SECONDS_KEPT }, (_, index) => ({
      ...nothing,
      at: now - (SECONDS_KEPT - index) * 1_000,
      queue: null,
    }));
  }

  add(activity: Activity): void {
    const { published, deleted, replicated, failed } = this.#current;
    this.#current = {
      published: published + activity.published,
      deleted: deleted + activity.deleted,
      replicated: replicated + activity.replicated,
      failed: failed + activity.failed + activity.deadLettered,
      p50Ms: activity.replicationMs?.p50 ?? this.#current.p50Ms,
      p99Ms: activity.replicationMs?.p99 ?? this.#current.p99Ms,
    };
    this.#recent = [...activity.recent, ...this.#recent].slice(0, RECENT_KEPT);
  }

  setQueue(queue: number): void {
    this.#queue = queue;
  }

  /** To be called once a second. */
  tick(now: number): void {
    this.#seconds = [...this.#seconds.slice(1), { ...this.#current, at: now, queue: this.#queue }];
    this.#current = nothing;
    this.#listeners.forEach((listener) => listener());
  }

  readonly seconds = (): readonly Second[] => this.#seconds;
  readonly recent = (): Activity['recent'] => this.#recent;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
