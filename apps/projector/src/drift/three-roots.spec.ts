import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MerkleRoot } from '@holdfast/domain';
import { ThreeRoots } from './three-roots.ts';

const hash = fc.constantFrom('0'.repeat(64), '1'.repeat(64), undefined, null);
const agreed = fc.constantFrom('0'.repeat(64), '1'.repeat(64)).map((all) => [all, all, all] as const);
const leaves = fc.array(fc.oneof({ weight: 5, arbitrary: agreed }, fc.tuple(hash, hash, hash)), {
  maxLength: 40,
});

it('each side has the root of its own leaves, whenever the sides part', () => {
  fc.assert(
    fc.property(leaves, (added) => {
      const roots = new ThreeRoots();
      added.forEach(([expected, local, cdn], index) => roots.add(`${index}.json`, { expected, local, cdn }));
      for (const [at, side] of (['expected', 'local', 'cdn'] as const).entries()) {
        const own = new MerkleRoot();
        added.forEach((hashes, index) => {
          const sha256 = hashes[at];
          if (sha256 != null) own.add(`${index}.json`, sha256);
        });
        expect(roots.of(side)).toBe(own.root());
      }
    }),
  );
});
