import type { Clock } from '@holdfast/domain';

const MAX_IN_WINDOW = 6;

/** Keeps a condition that comes and goes from filling mailboxes and the log: what is too much waits, and is told together. */
export class TooOften {
  readonly #clock: Clock;
  readonly #windowMs: number;
  /** When notices of each alert were told in the last window; ms since 1970. */
  readonly #told = new Map<string, number[]>();

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock;
    this.#windowMs = windowMs;
  }

  /**
   * @returns when a notice of that alert may go out: now, or a window after the first of many; ms since 1970. Never
   *          before what was asked for earlier
   */
  dueAt(key: string): number {
    const now = this.#clock.now().getTime();
    const recent = (this.#told.get(key) ?? []).filter((at) => now - at < this.#windowMs);
    this.#told.set(key, recent);
    const [first] = recent;
    if (first !== undefined && recent.length >= MAX_IN_WINDOW) return first + this.#windowMs;
    recent.push(now);
    return now;
  }
}
