import { describe, expect, it } from '@jest/globals';
import { AT } from '@holdfast/domain/testing';
import { decideFailover, type Sample } from './decide-failover.ts';

const EVERY_MS = 5_000;
const at = (ms: number): Date => new Date(Date.parse(AT) + ms);

/** One sample each five seconds: `g` is good, `b` is bad. */
const samplesOf = (letters: string): Sample[] =>
  [...letters].map((letter, index) => ({
    at: at(index * EVERY_MS),
    isGood: letter === 'g',
    outcome: letter === 'g' ? 'good after 5 ms' : 'answered 503',
  }));

const CDN = { localFallback: false, pinned: false };
const FALLBACK = { localFallback: true, pinned: false };

describe('from the CDN to the local origin', () => {
  it.each([
    ['', false],
    ['bb', false],
    ['bbb', true],
    ['bgbgb', true],
    ['ggbbgggb', false],
    ['ggbbggbb', true],
    ['ggbgbb', true],
    ['bbbgg', true],
    ['bbbggg', false],
    ['bgggggggbb', false],
  ])('after %j: %s', (letters, isSwitched) => {
    const decided = decideFailover({
      samples: samplesOf(letters),
      mode: CDN,
      failedOverAt: null,
      now: at(letters.length * EVERY_MS),
    });
    expect(decided?.localFallback ?? false).toBe(isSwitched);
  });

  it('names the samples that speak for it', () => {
    const facts = { samples: samplesOf('ggbbb'), mode: CDN, failedOverAt: null, now: at(25_000) };
    expect(decideFailover(facts)?.reason).toBe(
      '3 of the last 5 probes of the CDN failed: 08:00:00 good after 5 ms; 08:00:05 good after 5 ms; 08:00:10 answered 503; 08:00:15 answered 503; 08:00:20 answered 503',
    );
  });

  it('records them with the switch, for those who look at it later', () => {
    const facts = { samples: samplesOf('ggbbb'), mode: CDN, failedOverAt: null, now: at(25_000) };
    expect(decideFailover(facts)?.probes).toEqual(
      ['g', 'g', 'b', 'b', 'b'].map((letter, index) => ({
        at: at(index * EVERY_MS).toISOString(),
        isGood: letter === 'g',
        outcome: letter === 'g' ? 'good after 5 ms' : 'answered 503',
      })),
    );
  });

  it('gives a reason that fits into its event, whatever the samples say', () => {
    const samples = samplesOf('bbbbb').map((sample) => ({ ...sample, outcome: 'x'.repeat(5_000) }));
    const decided = decideFailover({ samples, mode: CDN, failedOverAt: null, now: at(25_000) });
    expect(decided?.reason.length).toBeLessThanOrEqual(1_000);
  });
});

describe('back to the CDN', () => {
  const back = (letters: string, failedOverAt: Date | null = at(-60_000)) =>
    decideFailover({
      samples: samplesOf(letters),
      mode: FALLBACK,
      failedOverAt,
      now: at(letters.length * EVERY_MS),
    });

  it.each([
    ['ggggggggg', false],
    ['gggggggggg', true],
    ['bgggggggggg', true],
    ['ggggggggggb', false],
    ['gggggbggggg', false],
  ])('after %j: %s', (letters, isSwitched) => {
    expect(back(letters)?.localFallback).toBe(isSwitched ? false : undefined);
  });

  it('stays for a minute at least', () => {
    expect(back('gggggggggg', at(-9_999))).toBeNull();
    expect(back('gggggggggg', at(-10_000))).toMatchObject({ localFallback: false });
  });

  it('leaves on what an operator switched on', () => {
    expect(back('g'.repeat(100), null)).toBeNull();
  });
});

it('keeps its hands off a pinned mode', () => {
  const facts = { samples: samplesOf('bbbbb'), failedOverAt: at(-60_000), now: at(50_000) };
  expect(decideFailover({ ...facts, mode: { ...CDN, pinned: true } })).toBeNull();
  const good = { ...facts, samples: samplesOf('g'.repeat(10)) };
  expect(decideFailover({ ...good, mode: { ...FALLBACK, pinned: true } })).toBeNull();
});
