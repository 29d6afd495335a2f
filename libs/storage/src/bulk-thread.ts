import { Worker } from 'node:worker_threads';
import type { BulkDocument } from './bulk-write.ts';
import type { BulkAnswer } from './bulk-worker.ts';

/** Batches that wait in the thread; each has a few MiB. */
const MAX_AHEAD = 2;

/** A thread that writes the documents it is given, in their order. */
export class BulkThread {
  readonly #worker: Worker;
  #pending = 0;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  /** @param made  the directories that are there already */
  constructor(root: string, made: ReadonlySet<string>) {
    this.#worker = new Worker(new URL('./bulk-worker.ts', import.meta.url), {
      workerData: { root, made },
      // It holds nothing but what it is about to write, which does not count here.
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    });
    this.#worker.on('message', (answer: BulkAnswer) => {
      this.#pending -= 1;
      if (answer !== null) this.#fail(Object.assign(new Error(answer.message), answer, { syscall: 'write' }));
      this.#wake?.();
    });
    this.#worker.on('error', (error: Error) => {
      this.#fail(error);
    });
  }

  /**
   * Hands the documents over; waits while too many are ahead.
   * @throws what went wrong with these or earlier ones
   */
  async write(documents: readonly BulkDocument[]): Promise<void> {
    await this.#until(() => this.#pending < MAX_AHEAD);
    this.#pending += 1;
    this.#worker.postMessage(documents, transferable(documents));
  }

  /** Waits until everything is written. Throws as `write`. */
  async end(): Promise<void> {
    await this.#until(() => this.#pending === 0);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (this.#failure === null && !isSo()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== null) throw this.#failure;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }
}

/** Moved, not copied, where the bytes are all that their buffer holds. */
function transferable(documents: readonly BulkDocument[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { bytes, previous } of documents) {
    for (const part of [bytes, previous]) {
      if (part === null || !(part.buffer instanceof ArrayBuffer)) continue;
      if (part.byteLength === part.buffer.byteLength) buffers.add(part.buffer);
    }
  }
  return [...buffers];
}
