import { expect, it } from '@jest/globals';
import { printableJson } from './printable-json.ts';

it('leaves JSON the same document, with nothing in it that drives a terminal', () => {
  const hostile = { 'a\u009b\n': '\u202e"\u2028' };
  const text = printableJson(hostile, 2);
  expect(JSON.parse(text)).toEqual(hostile);
  expect(text).toBe('{\n  "a\\u009b\\n": "\\u202e\\"\\u2028"\n}');
});
