import type { Lookout } from '@holdfast/health';

/** Whether this process holds a lock; see `whileHeld`. */
export class Holding {
  #isHeld = false;

  get isHeld(): boolean {
    return this.#isHeld;
  }

  start(): void {
    this.#isHeld = true;
  }

  stop(): void {
    this.#isHeld = false;
  }
}

/** What there is one of in the whole system is looked at by one process: the others find nothing. */
export const whileHolding = (holding: Pick<Holding, 'isHeld'>, lookout: Lookout): Lookout => ({
  ...lookout,
  look: () => (holding.isHeld ? lookout.look() : []),
});
