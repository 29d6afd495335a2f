const MAX_COUNT = 128;
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Lets many lines be under way at once, bounded in number and bytes, and hands their results on in the order
 * of the lines, each as soon as those before it are known.
 */
export class OrderedWindow<Result> {
  readonly #onResult: (result: Result) => Promise<void>;
  #tail: Promise<void> = Promise.resolve();
  #count = 0;
  #bytes = 0;
  #wake: (() => void) | null = null;

  /** @param onResult  told of each in turn; the next waits until it is done */
  constructor(onResult: (result: Result) => Promise<void>) {
    this.#onResult = onResult;
  }

  /** @param result  must not reject */
  add(result: Promise<Result>, bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
    this.#tail = this.#tail.then(async () => {
      await this.#onResult(await result);
      this.#count -= 1;
      this.#bytes -= bytes;
      this.#wake?.();
    });
    // Whoever waits is told; nobody may be waiting yet.
    this.#tail.catch(() => undefined);
  }

  /** Resolves when one more may begin. */
  async hasRoom(): Promise<void> {
    while (this.#count >= MAX_COUNT || this.#bytes >= MAX_BYTES) {
      await Promise.race([
        this.#tail,
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
      ]);
    }
  }

  /** Resolves when all results have been handed on; rejects when handing on failed. */
  drained(): Promise<void> {
    return this.#tail;
  }
}
