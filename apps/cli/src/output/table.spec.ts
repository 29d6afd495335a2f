import { describe, expect, it } from '@jest/globals';
import { layOutTable } from './table.ts';

describe('layOutTable', () => {
  it('aligns columns, numbers to the right, and shows nothing as a dash', () => {
    expect(
      layOutTable(
        ['Path', 'Version', 'Error'],
        [
          ['a.json', 3, null],
          ['units/b.json', 12, 'X'],
          ['c.json', null, ''],
        ],
      ),
    ).toEqual([
      'Path          Version  Error',
      'a.json              3  -',
      'units/b.json       12  X',
      'c.json              -  -',
    ]);
  });

  it('knows that some characters take two columns and some none', () => {
    expect(
      layOutTable(
        ['Path', 'V'],
        [
          ['日本.json', 1],
          ['e\u0301a.json', 2],
          ['מילון.json', 3],
        ],
      ),
    ).toEqual(['Path        V', '日本.json   1', 'e\u0301a.json     2', 'מילון.json  3']);
  });

  it('keeps a hostile name on its line', () => {
    expect(layOutTable(['Path'], [['a\n\u001b[2Jb.json']])).toEqual(['Path', 'a\\u000a\\u001b[2Jb.json']);
  });
});
