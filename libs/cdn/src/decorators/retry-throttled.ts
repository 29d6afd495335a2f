import {
  type Clock,
  type DeleteFailure,
  type ObjectHead,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type PutOptions,
  type StoredObject,
} from '@holdfast/domain';
import { isThrottled, ThrottledRetry } from './throttled-retry.ts';

interface Cancellable {
  readonly signal?: AbortSignal;
}

/**
 * A bucket whose calls are made again when it asks to slow down: a few times, further and further apart, for some
 * seconds. What is still throttled then, or whose signal aborts, fails as it would have without; the long
 * waits are the caller's. Nothing of a throttled call has happened, so any may be repeated.
 */
export class RetryThrottled implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #clock: Clock;
  readonly #random: () => number;

  /** @param options.random  0 to less than 1 */
  constructor(inner: ObjectStore, options: { clock: Clock; random?: () => number }) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
  }

  get settleMs(): number {
    return this.#inner.settleMs;
  }

  get reservedKeyBytes(): number {
    return this.#inner.reservedKeyBytes;
  }

  get objectsPerList(): number {
    return this.#inner.objectsPerList;
  }

  capabilities(options: Cancellable = {}): Promise<ObjectStoreCapabilities> {
    return this.#retry(options.signal, () => this.#inner.capabilities(options));
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<StoredObject> {
    return this.#retry(options.signal, () => this.#inner.put(key, bytes, options));
  }

  get(key: string, options: Cancellable = {}): Promise<ObjectHead & { body: Uint8Array }> {
    return this.#retry(options.signal, () => this.#inner.get(key, options));
  }

  head(key: string, options: Cancellable = {}): Promise<ObjectHead | null> {
    return this.#retry(options.signal, () => this.#inner.head(key, options));
  }

  list(options: Parameters<ObjectStore['list']>[0]): ReturnType<ObjectStore['list']> {
    return this.#retry(options.signal, () => this.#inner.list(options));
  }

  /** Keys that were throttled one by one are tried again alone. */
  async deleteMany(keys: readonly string[], options: Cancellable = {}): Promise<DeleteFailure[]> {
    const retry = new ThrottledRetry(this.#clock, this.#random, options.signal);
    const failures: DeleteFailure[] = [];
    for (let left = keys; ;) {
      const failed = await retry.run(() => this.#inner.deleteMany(left, options));
      const throttled = failed.filter(({ error }) => isThrottled(error));
      failures.push(...failed.filter(({ error }) => !isThrottled(error)));
      if (throttled.length === 0) return failures;
      if (!(await retry.waitAfter(throttled.map(({ error }) => error)))) return [...failures, ...throttled];
      left = throttled.map(({ key }) => key);
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #retry<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    return new ThrottledRetry(this.#clock, this.#random, signal).run(call);
  }
}
