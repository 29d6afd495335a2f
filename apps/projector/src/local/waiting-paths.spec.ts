import { describe, expect, it } from '@jest/globals';
import { HoldfastError } from '@holdfast/domain';
import { published, recorded } from '@holdfast/domain/testing';
import { WaitingPaths } from './waiting-paths.ts';
import type { Wanted } from './wanted.ts';

const NOW = Date.parse('2026-01-05T08:00:00.000Z');
const FULL = new HoldfastError('DISK_FULL', 'There is no room.');

const wanted = (path: string, position: string, resumeAfter: string | null, version = 0): Wanted => ({
  event: recorded(published(path, '123'), { version, position }),
  resumeAfter,
});

const failing = (...works: Wanted[]): Map<string, HoldfastError> =>
  new Map(works.map(({ event }) => [event.data.path, FULL]));

describe('the checkpoint', () => {
  it('is what was handed over when nothing waits', () => {
    expect(WaitingPaths.none.checkpoint('09')).toBe('09');
    expect(WaitingPaths.none.checkpoint(null)).toBeNull();
  });

  it('stays before the first unfinished event of each path that waits', () => {
    const [a, b] = [wanted('a.json', '05', '04'), wanted('b.json', '03', '02')];
    const both = WaitingPaths.none.after([a, b], failing(a, b), NOW);
    expect(both.checkpoint('09')).toBe('02');
    const onlyA = both.after([b], failing(), NOW);
    expect(onlyA.checkpoint('09')).toBe('04');
    expect(onlyA.after([a], failing(), NOW).checkpoint('09')).toBe('09');
  });

  it('does not move on when a newer version waits in the place of an older', () => {
    const [first, second] = [wanted('a.json', '05', '04'), wanted('a.json', '08', '07', 1)];
    const waiting = WaitingPaths.none
      .after([first], failing(first), NOW)
      .after([second], failing(second), NOW);
    expect([...waiting.all()]).toEqual([
      expect.objectContaining({ version: 1, position: '08', resumeAfter: '04', attempts: 2 }),
    ]);
    expect(waiting.checkpoint('09')).toBe('04');
  });

  it('stays at the start of the log where the first event of all waits', () => {
    const first = wanted('a.json', '01', null);
    expect(WaitingPaths.none.after([first], failing(first), NOW).checkpoint('09')).toBeNull();
  });
});

it('what is older than what waits for a path is left out', () => {
  const newer = wanted('a.json', '08', '07', 1);
  const waiting = WaitingPaths.none.after([newer], failing(newer), NOW);
  const others = [
    wanted('a.json', '05', '04', 0),
    wanted('a.json', '08', '07', 1),
    wanted('b.json', '06', '05'),
  ];
  expect(waiting.newerOnly(others)).toEqual(others.slice(1));
});

it('paths are due after their delay, the ones tried longest ago first, within limits', () => {
  const works = ['a', 'b', 'c'].map((name, index) => wanted(`${name}.json`, `0${index + 1}`, `0${index}`));
  const waiting = works.reduce((all, work) => all.after([work], failing(work), NOW), WaitingPaths.none);
  const names = (count: number, bytes: number, at = NOW + 250): string[] =>
    waiting.due(at, { count, bytes }).map(({ path }) => path);
  expect(names(9, 99, NOW + 249)).toEqual([]);
  expect(names(9, 99)).toEqual(['a.json', 'b.json', 'c.json']);
  expect(names(2, 99)).toEqual(['a.json', 'b.json']);
  expect(names(9, 6)).toEqual(['a.json', 'b.json']);
  expect(names(9, 1)).toEqual(['a.json']);
  const again = waiting.after([works[0]!], failing(works[0]!), NOW + 250);
  expect(again.due(NOW + 10_000, { count: 9, bytes: 99 }).map(({ path }) => path)).toEqual([
    'b.json',
    'c.json',
    'a.json',
  ]);
  expect([waiting.nextRetryAt(), again.nextRetryAt(), WaitingPaths.none.nextRetryAt()]).toEqual([
    NOW + 250,
    NOW + 250,
    null,
  ]);
});

it('what will never pass does not wait', () => {
  const work = wanted('a.json', '01', null);
  const fatal = new Map([['a.json', new HoldfastError('LOG_MISMATCH', 'no')]]);
  expect(() => WaitingPaths.none.after([work], fatal, NOW)).toThrow('no');
});
