/** So many files, which come back evenly in so many milliseconds. */
export interface FileRate {
  readonly files: number;
  readonly perMs: number;
}

/** The rate limit over the files of all calls. */
export class TokenBucket {
  readonly #rate: FileRate;
  readonly #now: () => number;
  #tokens: number;
  #at: number;

  constructor(rate: FileRate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
    this.#tokens = rate.files;
    this.#at = now();
  }

  /** @returns how long to wait; 0: they are taken */
  take(count: number): number {
    const { files, perMs } = this.#rate;
    const now = this.#now();
    this.#tokens = Math.min(files, this.#tokens + ((now - this.#at) * files) / perMs);
    this.#at = now;
    if (this.#tokens < count) return ((count - this.#tokens) * perMs) / files;
    this.#tokens -= count;
    return 0;
  }
}
