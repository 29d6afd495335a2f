import { expect, it } from '@jest/globals';
import { printable } from './printable.ts';

it('keeps every script and escapes what drives a terminal or reorders a line', () => {
  expect(printable('שלום/مرحبا/日本/é 👩‍🏫')).toBe('שלום/مرحبا/日本/é 👩‍🏫');
  expect(printable('\u0007\u009b1m\u202eab\u2066\ud800')).toBe('\\u0007\\u009b1m\\u202eab\\u2066\\ud800');
});
