import { MerkleRoot } from '@holdfast/domain';

const SIDES = ['expected', 'local', 'cdn'] as const;
type Side = (typeof SIDES)[number];

/** The Merkle roots of three sides, computed once for as long as all say the same. */
export class ThreeRoots {
  readonly #expected = new MerkleRoot();
  /** The same one, until something differs. */
  #roots: Record<Side, MerkleRoot> = {
    expected: this.#expected,
    local: this.#expected,
    cdn: this.#expected,
  };
  #areSame = true;

  /** @param hashes  of the path on each side; undefined: it is not there, null: nobody knows */
  add(path: string, hashes: Readonly<Record<Side, string | null | undefined>>): void {
    const { expected, local, cdn } = hashes;
    if (this.#areSame && (expected !== local || expected !== cdn)) this.#part();
    for (const side of this.#areSame ? (['expected'] as const) : SIDES) {
      const sha256 = hashes[side];
      if (sha256 != null) this.#roots[side].add(path, sha256);
    }
  }

  /** Lower-case hex. */
  of(side: Side): string {
    return this.#roots[side].root();
  }

  #part(): void {
    this.#areSame = false;
    this.#roots = { expected: this.#expected, local: this.#expected.copy(), cdn: this.#expected.copy() };
  }
}
