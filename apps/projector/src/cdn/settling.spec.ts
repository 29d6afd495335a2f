import { describe, expect, it } from '@jest/globals';
import type { DueReplication } from '@holdfast/catalog';
import { AT, path } from '@holdfast/domain/testing';
import { Settling } from './settling.ts';

const SETTLE_MS = 60_000;
const DAY_MS = 24 * 60 * 60_000;
const DUE: DueReplication = {
  path: path('units/a.json'),
  version: 3,
  action: 'put',
  position: '0000000000000007',
  attempt: 1,
  queuedAt: AT,
  document: null,
  onCdn: null,
};

describe('a clock that is set back', () => {
  const given = (): { settling: Settling; advance: (ms: number) => void } => {
    let now = Date.parse(AT);
    const clock = { now: () => new Date(now), sleep: () => Promise.resolve() };
    const advance = (ms: number): void => {
      now += ms;
    };
    return { settling: new Settling(clock, SETTLE_MS), advance };
  };

  it.each([
    ['a write whose outcome is unknown', (settling: Settling) => settling.hold(DUE.path)],
    ['a takeover', (settling: Settling) => settling.takeOver(DUE.position)],
  ])('makes nobody wait longer than the settling time after %s', (_, begin) => {
    const { settling, advance } = given();
    begin(settling);
    advance(-DAY_MS);
    expect(settling.mayGo(DUE)).toBe(false);
    advance(SETTLE_MS - 1);
    expect(settling.mayGo(DUE)).toBe(false);
    advance(1);
    expect(settling.mayGo(DUE)).toBe(true);
  });
});
