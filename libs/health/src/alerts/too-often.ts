import type { Clock } from '@holdfast/domain';

const WINDOW_MS = 60 * 60 * 1_000;
const MAX_IN_WINDOW = 6;

/** Keeps a condition that comes and goes from filling mailboxes: what is too much waits, and is told together. */
export class TooOften {
  readonly #clock: Clock;
  /** When notices of each alert were told in the last hour; ms since 1970. */
  readonly #told = new Map<string, number[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns when a notice of that alert may go out: now, or an hour after the first of many; ms since 1970 */
  dueAt(key: string): number {
    const now = this.#clock.now().getTime();
    const recent = (this.#told.get(key) ?? []).filter((at) => now - at < WINDOW_MS);
    this.#told.set(key, recent);
    const [first] = recent;
    if (first !== undefined && recent.length >= MAX_IN_WINDOW) return first + WINDOW_MS;
    recent.push(now);
    return now;
  }
}
