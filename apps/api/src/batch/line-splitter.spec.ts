import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LineSplitter } from './line-splitter.ts';

function split(chunks: readonly Uint8Array[], maxBytes = 100): (string | null)[] {
  const splitter = new LineSplitter(maxBytes);
  const lines = chunks.flatMap((chunk) => [...splitter.push(chunk)]);
  return [...lines, ...splitter.end()].map(({ bytes }) =>
    bytes === null ? null : Buffer.from(bytes).toString(),
  );
}

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut into chunks', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat({ max: 300 })), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const places = [
          0,
          ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
          bytes.length,
        ];
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        expect(split(chunks, 1_000)).toEqual(lines);
      }),
      { seed: 4711 },
    );
  });

  it('takes a last line without its end, and lines that end in CR LF', () => {
    expect(split([Buffer.from('a\r\n\r\nb')])).toEqual(['a', '', 'b']);
    expect(split([Buffer.from('a\n')])).toEqual(['a']);
    expect(split([])).toEqual([]);
  });

  it('keeps nothing of a line that is too long, and goes on after it', () => {
    const long = Buffer.alloc(60, 'x');
    expect(split([Buffer.from('a\n'), long, long, Buffer.from('\nb\n')])).toEqual(['a', null, 'b']);
    expect(split([long, long])).toEqual([null]);
    expect(split([Buffer.alloc(100, 'y')])).toEqual(['y'.repeat(100)]);
  });
});
