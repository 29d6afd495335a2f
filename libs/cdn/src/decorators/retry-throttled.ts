import {
  type Clock,
  type DeleteFailure,
  hasCode,
  type HoldfastError,
  type ListedObject,
  type ObjectHead,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type PutOptions,
  retryAfterMsOf,
} from '@holdfast/domain';

const GIVE_UP_AFTER_MS = 5_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/** Waits, at least as long as the server asked for; false where the time is over. */
type Wait = (atLeastMs: number) => Promise<boolean>;

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

  capabilities(options: Cancellable = {}): Promise<ObjectStoreCapabilities> {
    return this.#retry(options.signal, () => this.#inner.capabilities(options));
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<ListedObject> {
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
    const wait = this.#waits(options.signal);
    const failures: DeleteFailure[] = [];
    for (let left = keys; ;) {
      const failed = await this.#retry(options.signal, () => this.#inner.deleteMany(left, options), wait);
      const throttled = failed.filter(({ error }) => isThrottled(error));
      failures.push(...failed.filter(({ error }) => !isThrottled(error)));
      if (throttled.length === 0) return failures;
      const atLeastMs = Math.max(...throttled.map(({ error }) => retryAfterMsOf(error) ?? 0));
      if (!(await wait(atLeastMs))) return [...failures, ...throttled];
      left = throttled.map(({ key }) => key);
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #retry<T>(
    signal: AbortSignal | undefined,
    call: () => Promise<T>,
    wait: Wait = this.#waits(signal),
  ): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isThrottled(error) || !(await wait(retryAfterMsOf(error) ?? 0))) throw error;
      }
    }
  }

  #waits(signal: AbortSignal | undefined): Wait {
    const until = this.#clock.now().getTime() + GIVE_UP_AFTER_MS;
    const isAborted = (): boolean => signal?.aborted === true;
    let longest = FIRST_WAIT_MS;
    return async (atLeastMs) => {
      // Half of it at random: who was refused together does not come back together.
      const waitMs = Math.max(atLeastMs, longest * (0.5 + this.#random() / 2));
      longest = Math.min(longest * 2, LONGEST_WAIT_MS);
      if (isAborted() || this.#clock.now().getTime() + waitMs > until) return false;
      await this.#clock.sleep(waitMs, signal);
      return !isAborted();
    };
  }
}

const isThrottled = (error: unknown): error is HoldfastError => hasCode(error, 'OBJECT_STORE_THROTTLED');
