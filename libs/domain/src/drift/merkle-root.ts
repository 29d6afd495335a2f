import { hash } from 'node:crypto';

interface Tree {
  readonly leaves: number;
  readonly hash: Buffer;
}

/**
 * The Merkle root over `(path, sha256)` in the order of the paths' UTF-8 bytes, added one by one; it keeps one hash
 * per level. Leaves are SHA-256 of 0x00, the path, 0x00 and the hexadecimal digits of the hash; nodes are SHA-256
 * of 0x01 and their two children; the tree has the shape of RFC 6962, and the root of nothing is SHA-256 of nothing.
 * docs/roots.md shows how somebody else computes it.
 * @see https://www.rfc-editor.org/rfc/rfc6962#section-2.1
 */
export class MerkleRoot {
  /** Roots of full trees, the largest first. */
  readonly #full: Tree[] = [];

  add(path: string, sha256: string): void {
    let right: Tree = { leaves: 1, hash: hash('sha256', `\0${path}\0${sha256}`, 'buffer') };
    for (let left = this.#full.at(-1); left?.leaves === right.leaves; left = this.#full.at(-1)) {
      this.#full.pop();
      right = { leaves: 2 * right.leaves, hash: nodeOf(left.hash, right.hash) };
    }
    this.#full.push(right);
  }

  /** With the same leaves; what is added to one is not in the other. */
  copy(): MerkleRoot {
    const copied = new MerkleRoot();
    copied.#full.push(...this.#full);
    return copied;
  }

  /** Lower-case hex. */
  root(): string {
    const [last, ...rest] = this.#full.map((tree) => tree.hash).reverse();
    if (last === undefined) return hash('sha256', '');
    return rest.reduce((right, left) => nodeOf(left, right), last).toString('hex');
  }
}

const node = Buffer.alloc(65, 1);

function nodeOf(left: Buffer, right: Buffer): Buffer {
  node.set(left, 1);
  node.set(right, 33);
  return hash('sha256', node, 'buffer');
}
