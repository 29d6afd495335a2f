import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MerkleRoot } from './merkle-root.ts';

const sha256 = (...parts: readonly (string | Buffer)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

type Leaf = readonly [path: string, sha256: string];

/** RFC 6962, section 2.1, as it is written there: split at the largest power of two below the count. */
function naiveRoot(leaves: readonly Leaf[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return sha256('');
  if (leaves.length === 1) return sha256('\0', first[0], '\0', first[1]);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256('\x01', naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}

function rootOf(leaves: readonly Leaf[]): string {
  const merkle = new MerkleRoot();
  for (const [path, hex] of leaves) merkle.add(path, hex);
  return merkle.root();
}

const leaf = fc.tuple(fc.string({ unit: 'binary' }), fc.constantFrom('0'.repeat(64), 'f'.repeat(64)));

describe('the Merkle root', () => {
  it('is what RFC 6962 says, for any number of leaves', () => {
    fc.assert(
      fc.property(fc.array(leaf, { maxLength: 70 }), (leaves) => {
        expect(rootOf(leaves)).toBe(naiveRoot(leaves).toString('hex'));
      }),
    );
  });

  it('of nothing is the hash of nothing', () => {
    expect(rootOf([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('differs when a path, a hash or the place of a leaf does', () => {
    const leaves: Leaf[] = [
      ['a.json', '0'.repeat(64)],
      ['b.json', '1'.repeat(64)],
      ['c.json', '2'.repeat(64)],
    ];
    const [a, b, c] = leaves as [Leaf, Leaf, Leaf];
    const others = [
      [a, b],
      [b, a, c],
      [a, b, ['d.json', c[1]] as Leaf],
      [a, b, [c[0], a[1]] as Leaf],
    ];
    expect(new Set([leaves, ...others].map(rootOf)).size).toBe(others.length + 1);
  });
});
