import type { Change } from './changes.ts';

/** One group's share of the event loop: what it writes and shows happens in synchronous calls. */
const MAX_CHANGES = 64;
const MAX_BYTES = 8 * 1024 * 1024;

interface Waiting {
  readonly change: Change;
  readonly resolve: () => void;
  readonly reject: (why: unknown) => void;
}

/**
 * Makes changes in the order they were asked for, in groups: whatever was asked for while one group is
 * being made durable forms the next, so that many share its barriers and one alone does not wait.
 */
export class ChangeQueue {
  readonly #make: (changes: readonly Change[]) => Promise<ReadonlyMap<Change, unknown>>;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;

  /** @param make  makes a group and says which failed; a rejection is every change's */
  constructor(make: (changes: readonly Change[]) => Promise<ReadonlyMap<Change, unknown>>) {
    this.#make = make;
  }

  add(change: Change): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ change, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Resolves when all that was asked for is settled. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Puts of the same turn of the event loop belong together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup();
      const failures = await this.#make(group.map(({ change }) => change)).catch(
        (why: unknown) => new Map(group.map(({ change }) => [change, why])),
      );
      for (const { change, resolve, reject } of group) {
        if (failures.has(change)) reject(failures.get(change));
        else resolve();
      }
    }
    this.#running = null;
  }

  #nextGroup(): Waiting[] {
    let [count, bytes] = [0, 0];
    for (const { change } of this.#waiting) {
      if (count > 0 && (count === MAX_CHANGES || bytes + change.bytes > MAX_BYTES)) break;
      count += 1;
      bytes += change.bytes;
    }
    const group = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return group;
  }
}
