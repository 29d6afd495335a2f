import type { CatalogNode } from '@holdfast/catalog';
import { isSilent, type Lookout } from '@holdfast/health';

/** What there is one of in the whole system is looked at by one process: the others find nothing. */
export const whileInCharge = (isInCharge: () => boolean, lookout: Lookout): Lookout => ({
  ...lookout,
  look: () => (isInCharge() ? lookout.look() : []),
});

/**
 * Who looks at what concerns every node: whoever holds the lock of the bucket; while nobody who reports has it, the first
 * by name of those that do. The holder may be the one that is gone.
 */
export class OneOfAll {
  readonly #ports: OneOfAllPorts;
  readonly #node: string;
  #isDeputy = false;

  constructor(ports: OneOfAllPorts, node: string) {
    this.#ports = ports;
    this.#node = node;
  }

  /** To be asked before each look. */
  isInCharge(): boolean {
    const { lock, onDeputy } = this.#ports;
    const wasDeputy = this.#isDeputy;
    this.#isDeputy = !lock.isHeld && this.#isFirstOfNone();
    if (this.#isDeputy && !wasDeputy) onDeputy();
    return lock.isHeld || this.#isDeputy;
  }

  #isFirstOfNone(): boolean {
    const { nodes, now } = this.#ports;
    const heard = nodes().filter((node) => !isSilent(node, now()));
    return !heard.some(hasLock) && heard.map(({ node }) => node).sort()[0] === this.#node;
  }
}

export interface OneOfAllPorts {
  readonly lock: { readonly isHeld: boolean };
  readonly nodes: () => readonly Pick<CatalogNode, 'node' | 'projectors' | 'heardAt' | 'intervalSeconds'>[];
  readonly now: () => Date;
  /** Told when it becomes the one without the lock. */
  readonly onDeputy: () => void;
}

const hasLock = ({ projectors }: Pick<CatalogNode, 'projectors'>): boolean =>
  projectors.some(({ name, state }) => name === 'cdn' && state !== 'standing-by' && state !== 'stopped');
