import type { Clock } from './ports/clock.ts';
import { isPositionAtOrAfter, type Position } from './position.ts';

const ENDED = new Error('The waiting has ended.');

/** Who waits in this process until something that follows the log has come to a position. */
export class AwaitedPositions {
  readonly #clock: Clock;
  readonly #waiting = new Set<{ readonly position: Position; readonly arrive: () => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait now. */
  get count(): number {
    return this.#waiting.size;
  }

  /**
   * Waits until `arrived` is called with this position or a later one. Leaves no timer and no listener behind.
   * @param options.timeoutMs  `Infinity`: as long as it takes
   * @returns false after `timeoutMs`, or when the signal aborts
   */
  wait(
    position: Position,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<boolean> {
    const { timeoutMs, signal } = options;
    if (signal?.aborted === true) return Promise.resolve(false);
    return new Promise((resolve) => {
      const sleeping = new AbortController();
      const end = (hasArrived: boolean): void => {
        this.#waiting.delete(waiter);
        signal?.removeEventListener('abort', giveUp);
        // With a reason of our own, as making the usual one costs more than all the rest.
        sleeping.abort(ENDED);
        resolve(hasArrived);
      };
      const giveUp = (): void => end(false);
      const waiter = { position, arrive: () => end(true) };
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', giveUp);
      // Without a limit there is no timer either: it would keep a process alive that has nothing else to do.
      if (Number.isFinite(timeoutMs)) void this.#clock.sleep(timeoutMs, sleeping.signal).then(giveUp);
    });
  }

  /** Tells those who wait what has been come to. */
  arrived(at: Position): void {
    for (const { position, arrive } of this.#waiting) if (isPositionAtOrAfter(at, position)) arrive();
  }
}
