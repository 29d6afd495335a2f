import { expect, it } from '@jest/globals';
import { directoryOf, previewRepair } from './findings.ts';

it('gathers paths by their first two directories', () => {
  expect(
    ['a.json', 'units/u1.json', 'cldr/main/ar/languages.json', 'cldr/main/ar/'].map(directoryOf),
  ).toEqual(['/', 'units/', 'cldr/main/', 'cldr/main/']);
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
