import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Appended, type HoldfastError, isHoldfastError } from '@holdfast/domain';
import type { PreparedAppend } from './write-events.ts';

/** A larger batch saves little and keeps the process from doing anything else. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_BATCH_APPENDS = 1_000;
const MAX_GATHER_MS = 10;

interface Waiting {
  readonly append: PreparedAppend;
  readonly bytes: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: HoldfastError) => void;
}

/**
 * Group commit: what is asked for while the disk is busy, or in one turn of the event loop, is
 * committed together and shares one fsync. Appends are committed in the order in which they came.
 */
export class AppendQueue {
  readonly #commit: (batch: readonly PreparedAppend[]) => Promise<(Appended | HoldfastError)[]>;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | null = null;

  /**
   * @param commit  writes all in one transaction; answers for each its place or its own conflict. Where it
   *                throws a HoldfastError nothing of the batch is stored
   */
  constructor(commit: (batch: readonly PreparedAppend[]) => Promise<(Appended | HoldfastError)[]>) {
    this.#commit = commit;
  }

  add(append: PreparedAppend): Promise<Appended> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append, bytes: bytesOf(append), resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      await this.#commitTogether(this.#nextBatch());
    }
    this.#draining = null;
  }

  /**
   * Lets in what the same turn of the event loop still brings, and goes on as long as each turn brings more: a
   * request that streams thousands of documents would otherwise pay an fsync for every piece the socket hands out.
   * One writer alone waits for one turn.
   */
  async #gather(): Promise<void> {
    const startedAt = performance.now();
    let before: number;
    do {
      before = this.#waiting.length;
      await nextTurn();
    } while (this.#waiting.length > before && performance.now() - startedAt < MAX_GATHER_MS);
  }

  #nextBatch(): Waiting[] {
    let bytes = 0;
    const tooMany = this.#waiting.findIndex((waiting, index) => {
      bytes += waiting.bytes;
      return index > 0 && (bytes > MAX_BATCH_BYTES || index === MAX_BATCH_APPENDS);
    });
    return this.#waiting.splice(0, tooMany === -1 ? this.#waiting.length : tooMany);
  }

  async #commitTogether(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#commit(batch.map(({ append }) => append));
      for (const [index, outcome] of outcomes.entries()) {
        if (isHoldfastError(outcome)) batch[index]?.reject(outcome);
        else batch[index]?.resolve(outcome);
      }
    } catch (error) {
      const failure = error as HoldfastError;
      if (failure.code === 'DISK_FULL' && batch.length > 1) {
        // A large document that finds no room takes nothing from the small event beside it.
        for (const one of batch) await this.#commitTogether([one]);
      } else {
        for (const { reject } of batch) reject(failure);
      }
    }
  }
}

const bytesOf = ({ events }: PreparedAppend): number =>
  events.reduce(
    (sum, { data, metadata, body, cut }) =>
      sum + data.length + metadata.length + (body?.length ?? 0) + (cut?.reference.bytes ?? 0),
    0,
  );
