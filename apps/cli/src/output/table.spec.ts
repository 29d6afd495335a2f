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

  it('wraps text in the last column to the terminal, but no word', () => {
    expect(
      layOutTable(
        ['Name', 'Why'],
        [
          ['cdn', 'The bucket does not answer at https://bucket.example.org/a/long/way now.'],
          ['日本', 'All is well, 日本語 too'],
        ],
        { width: 28 },
      ),
    ).toEqual([
      'Name  Why',
      'cdn   The bucket does not',
      '      answer at',
      '      https://bucket.example.org/a/long/way',
      '      now.',
      '日本  All is well, 日本語',
      '      too',
    ]);
  });

  it('puts a text below its row, wrapped and indented, and then leaves the last column whole', () => {
    expect(
      layOutTable(
        ['V', 'Path'],
        [
          [1, 'a path/with spaces/that is long.json'],
          [2, 'b.json'],
        ],
        {
          width: 26,
          below: ['X: it did not\nanswer in time', null],
        },
      ),
    ).toEqual([
      'V  Path',
      '1  a path/with spaces/that is long.json',
      '    X: it did',
      '    not\\u000aanswer in',
      '    time',
      '2  b.json',
    ]);
  });

  it('keeps text readable in a terminal that is hardly there', () => {
    expect(layOutTable(['Name', 'Why'], [['cdn', 'it is away for a long time']], { width: 3 })).toEqual([
      'Name  Why',
      'cdn   it is away for a',
      '      long time',
    ]);
  });

  it('keeps a hostile name on its line', () => {
    expect(layOutTable(['Path'], [['a\n\u001b[2Jb.json']])).toEqual(['Path', 'a\\u000a\\u001b[2Jb.json']);
  });
});
