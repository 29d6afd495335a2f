import { describe, expect, it } from '@jest/globals';
import { layOut, readLine } from './json-text.ts';

describe('layOut', () => {
  it('keeps numbers as they were written', () => {
    expect(layOut('{"n":1.0,"big":12345678901234567890}', { sorted: false })).toEqual([
      '{',
      '  "n": 1.0,',
      '  "big": 12345678901234567890',
      '}',
    ]);
  });

  it('sorts keys at every depth where asked, and leaves the order of lists', () => {
    const [one, other] = ['{"b":[{"y":1,"x":2}],"a":null}', '{"a":null,"b":[{"x":2,"y":1}]}'];
    expect(layOut(one, { sorted: true })).toEqual(layOut(other, { sorted: true }));
    expect(layOut('[2,1]', { sorted: true })).toEqual(['[', '  2,', '  1', ']']);
  });

  it('is null for what is not JSON', () => {
    expect(layOut('<p>', { sorted: false })).toBeNull();
  });
});

describe('readLine', () => {
  it.each([
    ['  "a \\" : b": "c, d",', { indent: 2, key: '"a \\" : b"', value: '"c, d"', kind: 'string', rest: ',' }],
    ['    "only a value: x"', { indent: 4, key: null, value: '"only a value: x"', kind: 'string', rest: '' }],
    ['  "n": -1.5e3,', { indent: 2, key: '"n"', value: '-1.5e3', kind: 'word', rest: ',' }],
    ['  "list": [', { indent: 2, key: '"list"', value: '[', kind: 'bracket', rest: '' }],
    ['},', { indent: 0, key: null, value: '}', kind: 'bracket', rest: ',' }],
  ])('reads %s', (line, read) => {
    expect(readLine(line)).toEqual(read);
  });
});
