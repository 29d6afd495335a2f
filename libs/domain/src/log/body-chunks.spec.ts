import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cutBody, fitsInEvent, joinBody } from './body-chunks.ts';

const KIB = 1024;
const LIMIT = 256 * KIB;

/** Not the same everywhere, so that pieces in the wrong order would show. */
const bytes = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff));

describe('fitsInEvent', () => {
  it('agrees with JSON.stringify on the size of a text', () => {
    const piece = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 40 })
      .filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(piece, (text) => {
        const once = Buffer.byteLength(JSON.stringify(text)) - 2;
        const most = Math.floor((LIMIT - 2) / once);
        expect([most, most + 1].map((times) => fitsInEvent(Buffer.from(text.repeat(times))))).toEqual([
          true,
          false,
        ]);
      }),
      { numRuns: 60 },
    );
  });

  it('counts bytes that are no text as base64', () => {
    const most = Math.floor((LIMIT - 2) / 4) * 3;
    expect([most, most + 1].map((length) => fitsInEvent(Buffer.alloc(length, 0xff)))).toEqual([true, false]);
  });
});

describe('cutBody and joinBody', () => {
  it.each([1, 380 * KIB - 1, 380 * KIB, 380 * KIB + 1, 1_000_000])('give back %i bytes', (length) => {
    const body = bytes(length);
    const { reference, chunks } = cutBody(body);
    expect(chunks.map(({ index }) => index)).toEqual(
      Array.from({ length: reference.chunks }, (_, index) => index),
    );
    expect(reference).toMatchObject({ bytes: length, chunks: Math.ceil(length / (380 * KIB)) });
    expect(
      Buffer.compare(
        joinBody(
          reference,
          chunks.map((chunk) => chunk.body),
        ),
        body,
      ),
    ).toBe(0);
  });

  it('name the pieces by the bytes alone', () => {
    const ids = (body: Uint8Array): string[] => cutBody(body).chunks.map(({ id }) => id);
    expect(ids(bytes(800_000))).toEqual(ids(bytes(800_000)));
    expect(new Set([...ids(bytes(800_000)), ...ids(bytes(800_001))]).size).toBe(6);
  });

  it('never give a short or another body', () => {
    const { reference, chunks } = cutBody(bytes(1_000_000));
    const bodies = chunks.map((chunk) => chunk.body);
    const [first, second, third] = bodies as [Uint8Array, Uint8Array, Uint8Array];
    expect(() => joinBody(reference, [first, second])).toThrow('2 of the 3 pieces');
    expect(() => joinBody(reference, [second, first, third])).toThrow('do not give');
    expect(() => joinBody(reference, [first, second, third.subarray(1)])).toThrow('do not give');
  });
});
