import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 8;

/** Gives other requests their turn when a loop has held the event loop for long enough. */
export class Pace {
  #startedAt = performance.now();

  async yieldIfDue(): Promise<void> {
    if (performance.now() - this.#startedAt < SLICE_MS) return;
    await nextTurn();
    this.#startedAt = performance.now();
  }
}
