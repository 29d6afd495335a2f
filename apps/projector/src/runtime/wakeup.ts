/** What loops of one process wait for: something may have changed. */
export class Wakeup {
  #waiters = new Set<() => void>();

  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    for (const resolve of waiters) resolve();
  }

  /** Resolves at the next `wake`, or when the signal aborts. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#waiters.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      this.#waiters.add(end);
      signal.addEventListener('abort', end);
    });
  }
}
