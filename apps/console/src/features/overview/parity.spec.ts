import { expect, it } from '@jest/globals';
import type { ScanAnswer } from '@holdfast/api/types';
import { findParity } from './parity.ts';

const scan = (given: Partial<ScanAnswer>) =>
  ({ kind: 'full', state: 'completed', roots: null, ...given }) as ScanAnswer;
const roots = (expected: string | null, local: string | null, cdn: string | null) => ({
  expected,
  local,
  cdn,
});

it.each([
  ['agree', [scan({ roots: roots('a', 'a', 'a') })]],
  ['differ', [scan({ roots: roots('a', 'a', 'b') })]],
  ['differ', [scan({ roots: roots('a', 'b', null) })]],
  ['unknown', [scan({ roots: roots('a', 'a', null) })]],
  ['unknown', [scan({ roots: null })]],
  ['none', []],
  ['none', [scan({ kind: 'quick', roots: roots('a', 'a', 'a') })]],
  ['agree', [scan({ sides: 'local', roots: roots('a', 'a', null) }), scan({ roots: roots('b', 'b', 'b') })]],
  ['unknown', [scan({ sides: 'local', roots: roots('a', 'a', null) })]],
  [
    'differ',
    [
      scan({ state: 'running' }),
      scan({ roots: roots('a', 'b', 'b') }),
      scan({ roots: roots('a', 'a', 'a') }),
    ],
  ],
] as const)('is %s', (is, scans) => {
  expect(findParity(scans).is).toBe(is);
});
