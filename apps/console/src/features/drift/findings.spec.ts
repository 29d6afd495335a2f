import { expect, it } from '@jest/globals';
import { addSides, countDifferences, directoryOf, isDocument, previewRepair, total } from './findings.ts';

it('looks for directories where a prefix lies', () => {
  expect(['', 'un', 'units/', 'units/u', 'cldr/main/ar/'].map(directoryOf)).toEqual([
    '',
    '',
    'units/',
    'units/',
    'cldr/main/ar/',
  ]);
});

it('adds up both sides, of which only one knows foreign objects', () => {
  const added = addSides({ local: { missing: 1, orphan: 2 }, cdn: { missing: 4, foreign: 8 } });
  expect(added).toEqual({ missing: 5, different: 0, unreadable: 0, orphan: 2, foreign: 8 });
  expect(total(added)).toBe(15);
  expect(countDifferences({ local: { missing: 1, orphan: 2 }, cdn: { missing: 4, foreign: 8 } })).toBe(7);
});

it('leads to documents, and not to what was never published', () => {
  const finding = { side: 'local', path: 'a.json', expected: null, found: null } as const;
  expect(isDocument({ ...finding, outcome: 'missing', subject: 'document' })).toBe(true);
  expect(isDocument({ ...finding, outcome: 'orphan', subject: 'document' })).toBe(false);
  expect(isDocument({ ...finding, outcome: 'different', subject: 'previous' })).toBe(false);
});

it('says what a repair would do, and leaves foreign objects alone', () => {
  const none = {
    same: 9,
    missing: 0,
    orphan: 0,
    different: 0,
    unreadable: 0,
    lagging: 0,
    moving: 0,
    givenUp: 0,
  };
  expect(
    previewRepair({
      local: { ...none, missing: 1, different: 2, unreadable: 4, orphan: 8 },
      cdn: { ...none, missing: 16, different: 32, unreadable: 256, orphan: 64, foreign: 128 },
    }),
  ).toEqual({ materialise: 7, replicate: 48, quarantine: 8, delete: 64, foreign: 128 });
});
