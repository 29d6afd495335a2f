import {
  type Clock,
  type DeleteFailure,
  HoldfastError,
  type ObjectHead,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type PutOptions,
  type StoredObject,
} from '@holdfast/domain';

/**
 * What becomes of a write: it is answered; done, but the answer is lost; never done, which nobody is told; or done
 * only when its sender has long given up, so many ms after it was sent.
 */
export type Fate = 'answered' | 'answer lost' | 'never' | { readonly arrivesAfterMs: number };

export const TIMEOUT_MS = 30_000;
export const SETTLE_MS = 60_000;

/** A bucket far away: writes to one key meet their fates in turn, then all are answered. For specs. */
export class LateObjectStore implements ObjectStore {
  readonly settleMs = SETTLE_MS;
  readonly reservedKeyBytes = 0;
  readonly objectsPerList = 1_000;
  /** Writes of that key that were sent, whatever became of them. */
  sent = 0;
  /** Writes that are on their way still. */
  onTheirWay = 0;
  readonly #inner: ObjectStore;
  readonly #clock: Clock;
  readonly #key: string;
  readonly #fates: Fate[];
  readonly #hasConditions: boolean;

  constructor(
    inner: ObjectStore,
    options: { clock: Clock; key: string; fates: readonly Fate[]; hasConditions: boolean },
  ) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#key = options.key;
    this.#fates = [...options.fates];
    this.#hasConditions = options.hasConditions;
  }

  capabilities(): Promise<ObjectStoreCapabilities> {
    const has = this.#hasConditions;
    return Promise.resolve({ etagIsMd5: true, putIfNone: has, putIfMatch: has });
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<StoredObject> {
    const { signal, ...rest } = options;
    return this.#write([key], signal, () => this.#inner.put(key, bytes, rest));
  }

  deleteMany(keys: readonly string[], options: { signal?: AbortSignal } = {}): Promise<DeleteFailure[]> {
    return this.#write(keys, options.signal, () => this.#inner.deleteMany(keys));
  }

  get(...args: Parameters<ObjectStore['get']>): Promise<ObjectHead & { body: Uint8Array }> {
    return this.#inner.get(...args);
  }

  head(...args: Parameters<ObjectStore['head']>): Promise<ObjectHead | null> {
    return this.#inner.head(...args);
  }

  list(...args: Parameters<ObjectStore['list']>): ReturnType<ObjectStore['list']> {
    return this.#inner.list(...args);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #write<T>(
    keys: readonly string[],
    signal: AbortSignal | undefined,
    write: () => Promise<T>,
  ): Promise<T> {
    if (!keys.includes(this.#key)) return write();
    this.sent += 1;
    const fate = this.#fates.shift() ?? 'answered';
    if (fate === 'answered') return write();
    if (fate === 'answer lost') await write();
    if (typeof fate === 'object') void this.#arrive(fate.arrivesAfterMs, write);
    await this.#clock.sleep(TIMEOUT_MS, signal);
    throw new HoldfastError('OBJECT_STORE_TIMEOUT', `No answer for ${this.#key}.`, {
      context: { outcome: 'unknown' },
    });
  }

  async #arrive(afterMs: number, write: () => Promise<unknown>): Promise<void> {
    this.onTheirWay += 1;
    await this.#clock.sleep(afterMs);
    try {
      await write();
    } catch {
      // Nobody hears the answer.
    }
    this.onTheirWay -= 1;
  }
}
