import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isHoldfastError } from '../errors.ts';
import {
  MAX_DOCUMENT_BYTES,
  parseContentType,
  prepareDocument,
  type PreparedDocument,
  sha256Of,
} from './document.ts';
import { readJson, textOfMember } from './json-text.ts';
import type { KindChecks } from './kinds.ts';
import { relativePath } from './links.ts';
import { type ContentPath, parsePath } from './path.ts';

const prepare = (source: string | Uint8Array, path = 'plain/a.json', checks?: KindChecks): PreparedDocument =>
  prepareDocument({
    path: parsePath(path),
    contentType: 'application/json',
    bytes: typeof source === 'string' ? Buffer.from(source) : source,
    ...(checks === undefined ? {} : { checks }),
  });

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return isHoldfastError(error) ? error.code : String(error);
  }
};

const textOf = (document: PreparedDocument): string => Buffer.from(document.body).toString();

describe('prepareDocument', () => {
  it('stores what was published byte for byte, and never prints it again', () => {
    const source = '{ "b" : 1.0,\r\n\t"a":1e2, "n": 12345678901234567890, "u": "\\u00e9é", "x": "ع" }\n';
    const document = prepare(source);
    expect(textOf(document)).toBe(source);
    expect(document).toMatchObject({
      sha256: document.sourceSha256,
      bytes: Buffer.byteLength(source),
      links: [],
    });
    expect(document.sha256).toBe(sha256Of(Buffer.from(source)));
  });

  it('accepts every JSON value as a document', () => {
    for (const source of ['{}', '[]', '""', '0', 'null', 'true', '[[[]]]', ' {"a":[{"b":{}}]} ']) {
      expect(textOf(prepare(source))).toBe(source);
    }
  });

  it('stores any JSON unchanged when it has no link', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('', ' ', '\n\t'), (json, space) => {
        const source = space + json + space;
        expect(textOf(prepare(source))).toBe(source);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['not JSON', '{"a":}', 'JSON_INVALID'],
    ['nothing', '', 'JSON_INVALID'],
    ['a comment', '{} // x', 'JSON_INVALID'],
    ['two documents', '{}{}', 'JSON_INVALID'],
    ['a key given twice', '{"a":1,"a":2}', 'JSON_INVALID'],
    ['a key given twice, once escaped', '{"a":1,"\\u0061":2}', 'JSON_INVALID'],
    ['a key given twice, deep inside', '[{"x":{"y":[{"k":1,"k":1}]}}]', 'JSON_INVALID'],
    ['__proto__ given twice', '{"__proto__":1,"__proto__":1}', 'JSON_INVALID'],
    ['a lone high surrogate', '{"a":"\\ud800"}', 'JSON_INVALID'],
    [
      'a lone surrogate far from other escapes',
      '["\\u00e9",{"a":["plain","\\n","\\udfff"]}]',
      'JSON_INVALID',
    ],
    ['a lone low surrogate in a key', '{"\\udc00":1}', 'JSON_INVALID'],
    ['257 levels', `${'['.repeat(257)}${']'.repeat(257)}`, 'JSON_TOO_DEEP'],
    ['a nesting bomb', `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`, 'JSON_TOO_DEEP'],
  ])('refuses %s', (_what, source, code) => {
    expect(codeOf(() => prepare(source))).toBe(code);
  });

  it('refuses bytes that are no UTF-8, and a byte order mark', () => {
    expect(codeOf(() => prepare(Buffer.from([0x22, 0xff, 0x22])))).toBe('JSON_INVALID');
    expect(codeOf(() => prepare(Buffer.from('\ufeff{}')))).toBe('JSON_INVALID');
    expect(codeOf(() => prepare(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])))).toBe('JSON_INVALID');
  });

  it('accepts the same key in different objects, pairs of surrogates and 256 levels', () => {
    expect(codeOf(() => prepare('{"a":{"a":1},"b":[{"a":1},{"a":2}]}'))).toBe('accepted');
    expect(codeOf(() => prepare('{"a":"\\ud83d\\ude00"}'))).toBe('accepted');
    expect(codeOf(() => prepare(`${'['.repeat(256)}${']'.repeat(256)}`))).toBe('accepted');
    expect(codeOf(() => prepare('{"a\\\\":1,"a":"\\\\\\"","b":"a:\\"{"}'))).toBe('accepted');
  });

  it('accepts 16 MiB and refuses a byte more', () => {
    const room = MAX_DOCUMENT_BYTES - 2;
    expect(prepare(`"${'a'.repeat(room)}"`).bytes).toBe(MAX_DOCUMENT_BYTES);
    expect(codeOf(() => prepare(`"${'a'.repeat(room + 1)}"`))).toBe('DOCUMENT_TOO_LARGE');
  });
});

describe('links', () => {
  it('FR-009 become relative paths at their place, and nothing else changes', () => {
    const source =
      '{ "unit" : "content:units/u1.json", "same": ["content:plans/p1/subjects/s1.json#part-2"],\n "text": "see content:units/u1.json", "content:units/u1.json": 1e2, "self":"content:plans/p1/manifest.json" }';
    const document = prepare(source, 'plans/p1/manifest.json');
    expect(textOf(document)).toBe(
      '{ "unit" : "../../units/u1.json", "same": ["subjects/s1.json#part-2"],\n "text": "see content:units/u1.json", "content:units/u1.json": 1e2, "self":"manifest.json" }',
    );
    expect(document.links).toEqual(['units/u1.json', 'plans/p1/subjects/s1.json', 'plans/p1/manifest.json']);
    expect(document.sourceSha256).toBe(sha256Of(Buffer.from(source)));
    expect(document.sha256).toBe(sha256Of(document.body));
  });

  it('are found behind escapes too', () => {
    expect(textOf(prepare('["\\u0063ontent:units\\/u1.json"]', 'a.json'))).toBe('["units/u1.json"]');
  });

  it('that name no valid path stay as they are', () => {
    const source = '["content:", "content:../x.json", "content:a", "content:/a.json", "Content:a.json"]';
    expect(textOf(prepare(source))).toBe(source);
  });

  it('lead back to their target from wherever the document is', () => {
    const segment = fc.constantFrom('a', 'b', 'größe', 'x y', '文');
    const paths = fc
      .tuple(fc.array(segment, { maxLength: 4 }), segment)
      .map(([directories, name]) => [...directories, `${name}.json`].join('/') as ContentPath);
    fc.assert(
      fc.property(paths, paths, (from, to) => {
        const base = new URL(from.split('/').map(encodeURIComponent).join('/'), 'http://cdn.example/tree/');
        const led = new URL(relativePath(from, to), base);
        expect(decodeURIComponent(led.pathname)).toBe(`/tree/${to}`);
      }),
    );
  });

  it('of more than 256 KiB together are refused', () => {
    const links = Array.from({ length: 1_300 }, (_, index) => `"content:${'a'.repeat(200)}/${index}.json"`);
    expect(codeOf(() => prepare(`[${links.join(',')}]`))).toBe('TOO_MANY_LINKS');
  });
});

describe('known kinds', () => {
  it('FR-005 warn about what does not fit, and publish it', () => {
    expect(prepare('[]', 'units/u1.json').warnings).toEqual(['A unit is a JSON object.']);
    for (const id of ['"u2"', '1', 'null', 'false', '["u1"]']) {
      expect(prepare(`{"id":${id}}`, 'units/u1.json').warnings).toEqual([
        'The document\'s "id" is not "u1", the one its path names.',
      ]);
    }
    expect(prepare('{"a":"content:no"}', 'plans/p/manifest.json').warnings).toEqual([
      'The link "content:no" names no valid path.',
    ]);
  });

  it.each([
    ['plans/p1/manifest.json', '{"id":"p1","other":1}'],
    ['plans/p1/subjects/s1.json', '{"id":"s1"}'],
    ['plans/p1/search_index.json', '{"id":"p1"}'],
    ['units/7.json', '{"id":7}'],
    ['lessons/l1.json', '{}'],
    ['other/l1.json', '[1]'],
  ])('have nothing to say about a fitting %s', (path, source) => {
    expect(prepare(source, path, { unit: 'refuse', lesson: 'refuse', manifest: 'refuse' }).warnings).toEqual(
      [],
    );
  });

  it('refuse where they are told to, and are silent where they are off', () => {
    expect(codeOf(() => prepare('[]', 'units/u1.json', { unit: 'refuse' }))).toBe('DOCUMENT_REFUSED');
    expect(prepare('[]', 'units/u1.json', { unit: 'off' }).warnings).toEqual([]);
  });
});

describe('parseContentType', () => {
  it.each([
    ['application/json', 'application/json'],
    ['Application/JSON; charset=UTF-8', 'application/json'],
    ['application/ld+json', 'application/ld+json'],
  ])('takes %s for %s', (header, type) => {
    expect(parseContentType(header)).toBe(type);
  });

  it.each([
    'text/html',
    '',
    'application/json; charset=latin1',
    'application/json; x=y',
    'text/json\r\nX: y',
  ])('refuses %j', (header) => {
    expect(codeOf(() => parseContentType(header))).toBe('CONTENT_TYPE_UNSUPPORTED');
  });
});

describe('textOfMember', () => {
  it.each([
    ['{"put":"a","body":{"n":12345678901234567890.0}}', '{"n":12345678901234567890.0}'],
    ['{"body" : [1, {"body":2}] , "put":"a"}', '[1, {"body":2}]'],
    ['{"x":{"body":1},"body":"a,}\\""}', '"a,}\\""'],
    ['{"body": 1e400 }', '1e400'],
    ['{"body":null}', 'null'],
  ])('finds the exact text in %s', (text, expected) => {
    expect(textOfMember(text, 'body')).toBe(expected);
  });

  it('gives back each member of any object exactly', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(undefined, 1, '\t'),
        (object, indent) => {
          const text = JSON.stringify(object, null, indent);
          for (const [name, value] of Object.entries(object)) {
            expect(JSON.parse(textOfMember(text, name) ?? 'missing')).toEqual(
              JSON.parse(JSON.stringify(value)),
            );
          }
          expect(textOfMember(text, 'not there, surely')).toBeNull();
        },
      ),
    );
    expect(readJson('{"body":1}', 'x').strings).toEqual([]);
  });
});
