/** Runs what concerns one stream one after another, in the order in which it was asked for. */
export class StreamQueue {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(stream: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(stream) ?? Promise.resolve();
    const result = before.then(work, work);
    const settled = result.catch(() => undefined);
    this.#last.set(stream, settled);
    try {
      return await result;
    } finally {
      if (this.#last.get(stream) === settled) this.#last.delete(stream);
    }
  }
}
