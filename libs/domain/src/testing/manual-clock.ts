import type { Clock } from '../ports/clock.ts';
import { AT } from './fixtures.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** Time stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  constructor(at: string = AT) {
    this.#now = Date.parse(at);
  }

  now(): Date {
    return new Date(this.#now);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.wake !== wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleepers.push({ until: this.#now + ms, wake });
      signal?.addEventListener('abort', wake);
    });
  }

  /** Wakes who slept until then, in the order of their times. */
  advance(ms: number): void {
    this.advanceTo(new Date(this.#now + ms));
  }

  /** @param instant  in the past: nothing happens */
  advanceTo(instant: Date): void {
    this.#now = Math.max(this.#now, instant.getTime());
    const due = this.#sleepers.filter(({ until }) => until <= this.#now);
    for (const { wake } of due.sort((left, right) => left.until - right.until)) wake();
  }
}
