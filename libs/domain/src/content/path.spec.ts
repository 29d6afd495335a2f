import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  compareUtf8,
  isContentPath,
  parentDirectories,
  parseDirectory,
  parsePath,
  sortUtf8,
} from './path.ts';
import { hasCode } from '../errors.ts';

const refusal = (text: string): string => {
  try {
    parsePath(text);
    return 'accepted';
  } catch (error) {
    return hasCode(error, 'PATH_INVALID') ? error.message : 'another error';
  }
};

describe('parsePath', () => {
  it.each([
    'a.json',
    'plans/p1/manifest.json',
    'plans/p1/subjects/s1.json',
    'units/Größe (2), v=1 @home~-_.json',
    'دروس/الدرس الأول.json',
    '数学/第一課.json',
    'हिन्दी/पाठ.json',
    'a.b/c.d.json',
  ])('FR-005 accepts %s', (text) => {
    expect(parsePath(text)).toBe(text);
  });

  it.each([
    ['', 'it is empty'],
    ['/a.json', 'empty segment'],
    ['a//b.json', 'empty segment'],
    ['a.json/', 'ends in ".json", which only the last one may'],
    ['../a.json', 'begins with "."'],
    ['a/../b.json', 'begins with "."'],
    ['a/./b.json', 'begins with "."'],
    ['.hidden/a.json', 'begins with "."'],
    ['a/.json', 'begins with "."'],
    ['a.json/b.json', 'which only the last one may'],
    ['a.json.prev/b.json', 'beside a document'],
    ['a.json.tmp.0/b.json', 'beside a document'],
    ['a', 'does not end in ".json"'],
    ['a.JSON', 'does not end in ".json"'],
    ['a.json.prev', 'does not end in ".json"'],
    ['a /b.json', 'not allowed'],
    [' a.json', 'not allowed'],
    ['a./b.json', 'not allowed'],
    ['a\\b.json', 'not allowed'],
    ['a\u0000b.json', 'not allowed'],
    ['a\nb.json', 'not allowed'],
    ['a:b.json', 'not allowed'],
    ['a%2e.json', 'not allowed'],
    ['a?b.json', 'not allowed'],
    ['a#b.json', 'not allowed'],
    ['a\u202eb.json', 'not allowed'],
    ['a\u200bb.json', 'not allowed'],
    ['a\ufeff.json', 'not allowed'],
    ['😀.json', 'not allowed'],
    ['a\ud800.json', 'surrogate'],
    ['e\u0301.json', 'NFC'],
    [`${'a'.repeat(205)}.json`, 'has 210 bytes'],
    [`${'a'.repeat(256)}/b.json`, 'has 256 bytes'],
    [`${'abc/'.repeat(255)}a.json`, 'has 1026 bytes'],
  ])('refuses %j because %s', (text, why) => {
    expect(refusal(text)).toContain(why);
  });

  it('leaves room for the bucket prefix', () => {
    const path = `${'abc/'.repeat(254)}a.json`;
    expect(isContentPath(path)).toBe(true);
    expect(isContentPath(path, { reservedBytes: 3 })).toBe(false);
  });

  it('wants lower case where the file system ignores case', () => {
    expect(isContentPath('Units/a.json')).toBe(true);
    expect(isContentPath('Units/a.json', { lowerCaseOnly: true })).toBe(false);
  });

  it('never accepts a path that leaves the root, whatever the text', () => {
    const pieces = fc.constantFrom(
      '..',
      '.',
      '',
      'a',
      'b.json',
      '~',
      'a b',
      '%2e%2e',
      '\\',
      'é',
      '文',
      '.json',
    );
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((parts) => parts.join('/')),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        if (!isContentPath(text)) return;
        const resolved = new URL(text.split('/').map(encodeURIComponent).join('/'), 'file:///tree/');
        expect(decodeURIComponent(resolved.pathname)).toBe(`/tree/${text}`);
        for (const segment of text.split('/')) {
          expect(segment).not.toMatch(/^\.|^$|[. ]$/);
          expect(Buffer.byteLength(segment)).toBeLessThanOrEqual(255);
        }
        expect(text.endsWith('.json')).toBe(true);
        expect(parentDirectories(text).every((parent) => !parent.endsWith('.json'))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('parseDirectory', () => {
  it('accepts a directory with its slash', () => {
    expect(parseDirectory('plans/p1/')).toBe('plans/p1/');
  });

  it.each(['', '/', 'plans', 'plans//', '../', 'plans/a.json/', '.x/'])('refuses %j', (text) => {
    expect(() => parseDirectory(text)).toThrow(expect.objectContaining({ code: 'PATH_INVALID' }));
  });
});

describe('compareUtf8', () => {
  it('orders as the bytes do, astral characters included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (left, right) => {
        expect(Math.sign(compareUtf8(left, right))).toBe(
          Buffer.compare(Buffer.from(left), Buffer.from(right)),
        );
      }),
      { numRuns: 2_000 },
    );
    expect(compareUtf8('\u{1f600}', '\uffee')).toBeGreaterThan(0);
    expect(['a/b.json', 'a.json', 'a-b.json'].sort(compareUtf8)).toEqual(['a-b.json', 'a.json', 'a/b.json']);
  });
});

describe('sortUtf8', () => {
  it('sorts as the bytes do, with astral characters and without', () => {
    const names = (unit: 'binary-ascii' | 'grapheme') => fc.array(fc.string({ unit, maxLength: 4 }));
    fc.assert(
      fc.property(fc.oneof(names('binary-ascii'), names('grapheme')), (texts) => {
        const byBytes = texts
          .map((text) => Buffer.from(text))
          .sort((left, right) => Buffer.compare(left, right));
        expect(sortUtf8([...texts])).toEqual(byBytes.map(String));
      }),
      { numRuns: 1_000 },
    );
    expect(sortUtf8(['\u{1f600}', '\uffee', 'a/b', 'a-b'])).toEqual(['a-b', 'a/b', '\uffee', '\u{1f600}']);
  });
});

describe('parentDirectories', () => {
  it('lists them nearest first', () => {
    expect(parentDirectories('a/b/c.json')).toEqual(['a/b', 'a']);
    expect(parentDirectories('c.json')).toEqual([]);
  });
});
