import { sortUtf8 } from '@holdfast/domain/paths';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { namesInOrder } from './names-in-order.ts';

const name = fc.string({
  unit: fc.constantFrom('a', 'b', '-', '.', '/', '\ufb01', '\u{1d11e}'),
  maxLength: 3,
});

it('come each once, in the order of their bytes, whatever the size of a page', () => {
  fc.assert(
    fc.property(fc.array(name), fc.integer({ min: 1, max: 7 }), (names, namesPerPage) => {
      const pages = [...namesInOrder(() => names, namesPerPage)];
      expect(pages.flat()).toEqual(sortUtf8([...new Set(names)]));
      expect(pages.every(({ length }) => length > 0 && length <= namesPerPage)).toBe(true);
      expect(pages.slice(0, -1).every(({ length }) => length === namesPerPage)).toBe(true);
    }),
  );
});

it('are read once where they fit a page', () => {
  let reads = 0;
  const read = (): string[] => {
    reads += 1;
    return ['b', 'a', 'c'];
  };
  expect([...namesInOrder(read, 4)]).toEqual([['a', 'b', 'c']]);
  expect(reads).toBe(1);
});
