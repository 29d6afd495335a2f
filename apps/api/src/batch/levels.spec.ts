import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { levelsOf } from './levels.ts';

describe('levelsOf', () => {
  it('puts each document above all it points to', () => {
    expect([...levelsOf([[1, 2], [2], [], [0, 2]])]).toEqual([2, 1, 0, 3]);
    expect([...levelsOf([[], [], []])]).toEqual([0, 0, 0]);
  });

  it('takes circles apart, and copes with a document that points to itself', () => {
    expect([...levelsOf([[0]])]).toEqual([0]);
    const levels = levelsOf([[1], [2], [0], [0]]);
    expect(levels[3]).toBeGreaterThan(levels[0] ?? 0);
    expect(levels.every((level) => level >= 0)).toBe(true);
  });

  it('holds for any links without circles', () => {
    const graph = fc
      .nat({ max: 30 })
      .chain((size) =>
        fc.tuple(
          ...Array.from({ length: size }, (_, index) =>
            fc.array(fc.nat({ max: Math.max(0, index - 1) }), { maxLength: index }),
          ),
        ),
      );
    fc.assert(
      fc.property(graph, (links: number[][]) => {
        const levels = levelsOf(links);
        for (const [node, targets] of links.entries()) {
          for (const target of targets) expect(levels[node]).toBeGreaterThan(levels[target] ?? -1);
        }
      }),
      { seed: 4711 },
    );
  });

  it('needs no stack for a long chain', () => {
    const links = Array.from({ length: 200_000 }, (_, index) => (index === 0 ? [] : [index - 1]));
    expect(levelsOf(links)[199_999]).toBe(199_999);
  });
});
