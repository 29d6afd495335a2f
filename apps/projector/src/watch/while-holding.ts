import type { Lookout } from '@holdfast/health';

/** What there is one of in the whole system is looked at by one process: the others find nothing. */
export const whileHolding = (lock: { readonly isHeld: boolean }, lookout: Lookout): Lookout => ({
  ...lookout,
  look: () => (lock.isHeld ? lookout.look() : []),
});
