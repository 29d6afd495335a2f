import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { ERROR_KINDS, HoldfastError, toHoldfastError } from './errors.ts';

it('has a row in docs/errors.md for each code, with its kind, and no other', () => {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` +\| ([a-z]+) +\| [^|]+ \| [^|]+ \| [^|]+ \|$/gm)];
  expect(Object.fromEntries(rows.map(([, code, kind]) => [code, kind]))).toEqual(ERROR_KINDS);
});

it('gives a code to what nobody foresaw, and keeps the original', () => {
  const cause = new TypeError('x is undefined');
  expect(toHoldfastError(cause)).toMatchObject({ code: 'INTERNAL', kind: 'fatal', cause });
  const known = new HoldfastError('DISK_FULL', 'no room');
  expect(toHoldfastError(known)).toBe(known);
});
