import { type Clock, hasCode, type HoldfastError, retryAfterMsOf } from '@holdfast/domain';

const GIVE_UP_AFTER_MS = 5_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

export const isThrottled = (error: unknown): error is HoldfastError =>
  hasCode(error, 'OBJECT_STORE_THROTTLED');

/**
 * The waits of one call that is made again when the bucket asks to slow down: further and further apart, for some
 * seconds. Nothing of a throttled call has happened, so any may be repeated.
 */
export class ThrottledRetry {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #signal: AbortSignal | undefined;
  readonly #until: number;
  #longest = FIRST_WAIT_MS;

  /** @param random  0 to less than 1 */
  constructor(clock: Clock, random: () => number, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.#random = random;
    this.#signal = signal;
    this.#until = clock.now().getTime() + GIVE_UP_AFTER_MS;
  }

  /** @throws what the call does, when that is none of throttling, the time is over or the signal aborts */
  async run<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isThrottled(error) || !(await this.waitAfter([error]))) throw error;
      }
    }
  }

  /** Waits, at least as long as the errors ask for; false where the time is over. */
  async waitAfter(errors: readonly HoldfastError[]): Promise<boolean> {
    const asked = Math.max(...errors.map((error) => retryAfterMsOf(error) ?? 0));
    // Half of it at random: who was refused together does not come back together.
    const waitMs = Math.max(asked, this.#longest * (0.5 + this.#random() / 2));
    this.#longest = Math.min(this.#longest * 2, LONGEST_WAIT_MS);
    if (this.#isAborted() || this.#clock.now().getTime() + waitMs > this.#until) return false;
    await this.#clock.sleep(waitMs, this.#signal);
    return !this.#isAborted();
  }

  #isAborted(): boolean {
    return this.#signal?.aborted === true;
  }
}
