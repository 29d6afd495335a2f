/** How long synchronous work may keep a process from its other work. */
const SLICE_MS = 20;

/** For loops of synchronous work: asked after each step, it lets the event loop run now and then. */
export class Slices {
  #end = performance.now() + SLICE_MS;

  async pause(): Promise<void> {
    if (performance.now() < this.#end) return;
    await new Promise(setImmediate);
    this.#end = performance.now() + SLICE_MS;
  }
}

/** Does synchronous work in order, and lets the event loop run now and then. */
export async function inSlices<T>(works: Iterable<T>, run: (work: T) => void): Promise<void> {
  const slices = new Slices();
  for (const work of works) {
    run(work);
    await slices.pause();
  }
}
