import { describe, expect, it } from '@jest/globals';
import { diffLines, foldEqual } from './diff-lines.ts';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index}`);

describe('diffLines', () => {
  it('numbers the lines of both versions', () => {
    expect(diffLines(['a', 'b', 'c'], ['a', 'x', 'c'])).toEqual([
      { kind: 'same', text: 'a', before: 1, after: 1 },
      { kind: 'removed', text: 'b', before: 2, after: null },
      { kind: 'added', text: 'x', before: null, after: 2 },
      { kind: 'same', text: 'c', before: 3, after: 3 },
    ]);
  });
});

describe('foldEqual', () => {
  it('hides what is equal but for three lines around a change, and loses no line', () => {
    const before = numbered(30);
    const after = before.with(15, 'changed');
    const lines = diffLines(before, after)!;
    const blocks = foldEqual(lines);
    expect(blocks.map(({ isHidden, lines: { length } }) => [isHidden, length])).toEqual([
      [true, 12],
      [false, 3],
      [false, 2],
      [false, 3],
      [true, 11],
    ]);
    expect(blocks.flatMap((block) => block.lines)).toEqual(lines);
  });

  it('hides no single line', () => {
    const before = numbered(6);
    const lines = diffLines(before, before.with(4, 'changed'))!;
    expect(foldEqual(lines).map(({ isHidden }) => isHidden)).toEqual([false, false, false]);
  });
});
