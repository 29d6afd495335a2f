import type { ActivityAnswer } from '@holdfast/api/types';

/** What happened in one second, and how much waited at its end; null: it is not known, or there was none. */
export interface Second {
  /** Ms since 1970. */
  readonly at: number;
  readonly published: number | null;
  /** From publishing to the bucket. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly queue: number | null;
}

/** As `/v1/live` counts it. */
export type Activity = Omit<ActivityAnswer['seconds'][number], 'at'> & Pick<ActivityAnswer, 'recent'>;

export const SECONDS_KEPT = 120;
const RECENT_KEPT = 12;
const SECOND_MS = 1_000;

const unknown = { published: null, p50Ms: null, p99Ms: null, queue: null };
const nothing = { published: 0, p50Ms: null, p99Ms: null };

/** The last two minutes of the product, for the small charts; kept for the whole page, whatever part of it is shown. */
export class Pulse {
  readonly #openedAt: number;
  #seconds: readonly Second[];
  #current: Omit<Second, 'at' | 'queue'> = nothing;
  #queue: number | null = null;
  #recent: Activity['recent'] = [];
  #isFilled = false;
  readonly #listeners = new Set<() => void>();

  constructor(now: number) {
    this.#openedAt = now;
    // Empty seconds, so that a chart keeps its scale of time from the first one on.
    this.#seconds = Array.from({ length: SECONDS_KEPT }, (_, index) => ({
      ...unknown,
      at: now - (SECONDS_KEPT - index) * SECOND_MS,
    }));
  }

  /** What was before the page was opened is known. */
  get isFilled(): boolean {
    return this.#isFilled;
  }

  /** Takes what was before the page was opened; by how long ago, as the server's clock may be another. */
  fill(past: ActivityAnswer, now: number): void {
    this.#isFilled = true;
    const aheadMs = Date.parse(past.now) - now;
    const counted = new Map(past.seconds.map((second) => [secondOf(Date.parse(second.at)), second]));
    // What is not counted to its beginning is not known before it.
    const since = past.isComplete ? Number.NEGATIVE_INFINITY : Math.min(...counted.keys()) + 1;
    this.#seconds = this.#seconds.map((second) => {
      const place = secondOf(second.at + aheadMs);
      if (second.at >= this.#openedAt || place < since) return second;
      const { published = 0, replicationMs = null } = counted.get(place) ?? {};
      return {
        ...second,
        published,
        p50Ms: replicationMs?.p50 ?? null,
        p99Ms: replicationMs?.p99 ?? null,
      };
    });
    const told = new Set(this.#recent.map(nameOf));
    this.#keepRecent([...this.#recent, ...past.recent.filter((event) => !told.has(nameOf(event)))]);
    this.#tell();
  }

  add({ published, replicationMs, recent }: Activity): void {
    this.#current = {
      published: (this.#current.published ?? 0) + published,
      p50Ms: replicationMs?.p50 ?? this.#current.p50Ms,
      p99Ms: replicationMs?.p99 ?? this.#current.p99Ms,
    };
    this.#keepRecent([...recent, ...this.#recent]);
  }

  setQueue(queue: number): void {
    this.#queue = queue;
  }

  /** To be called once a second. */
  tick(now: number): void {
    this.#seconds = [...this.#seconds.slice(1), { ...this.#current, at: now, queue: this.#queue }];
    this.#current = nothing;
    this.#tell();
  }

  readonly seconds = (): readonly Second[] => this.#seconds;
  readonly recent = (): Activity['recent'] => this.#recent;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #keepRecent(recent: Activity['recent']): void {
    this.#recent = recent.slice(0, RECENT_KEPT);
  }

  #tell(): void {
    this.#listeners.forEach((listener) => listener());
  }
}

const secondOf = (at: number): number => Math.floor(at / SECOND_MS);
const nameOf = ({ type, path, version, at }: Activity['recent'][number]): string =>
  [type, path, version, at].join(' ');
