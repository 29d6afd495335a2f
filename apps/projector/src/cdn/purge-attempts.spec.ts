import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@holdfast/testing';
import { PURGED_KEY } from './purge-checkpoint.ts';
import { CDN, cdnAt, PurgingWorld, replicated, urlOf } from './purging-spec.ts';

const A = 'units/a.json';
const B = 'units/b.json';
const MINUTE_MS = 60_000;
const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `many/${index}.json`);
/** A path whose URL is longer than the API takes. */
const REFUSED = `${'я'.repeat(100)}/${'я'.repeat(100)}/${'я'.repeat(100)}/${'я'.repeat(90)}.json`;

let world: PurgingWorld;

beforeEach(async () => {
  world = await PurgingWorld.open();
});

afterEach(async () => {
  await world.dispose();
});

describe('a refusal', () => {
  it('of one URL is told and counted, and the rest goes on', async () => {
    await world.startAtEnd();
    await world.given(replicated(A), replicated(REFUSED), replicated(B));
    await waitFor('the others', () => {
      const { refused, pending } = world.purging.status();
      return refused === 1 && pending === 0 && world.api.purged.includes(urlOf(B));
    });
    expect(world.api.purged.filter((url) => !url.includes('.holdfast'))).toEqual([urlOf(A), urlOf(B)]);
    expect(world.purging.status()).toMatchObject({ state: 'running', pending: 0, refused: 1 });
    expect(world.logged.filter((message) => message.includes('was refused'))).toHaveLength(1);
  });

  it('of one URL alone is told apart from a wrong zone by a URL that is right', async () => {
    await world.startAtEnd();
    await world.given(replicated(REFUSED));
    await waitFor('the refusal', () => world.purging.status().refused === 1);
    expect(world.api.purged).toEqual([`${CDN}/${PURGED_KEY}`]);
    await world.given(replicated(A));
    await waitFor('the next', () => world.api.purged.includes(urlOf(A)));
  });

  it('of everything is a wrong zone: it costs no URL its purge, and one call at a time', async () => {
    await world.startAtEnd();
    world.api.hosts = ['elsewhere.example.org'];
    await world.given(replicated(A));
    await world.resting('PURGE_DENIED');
    expect(world.purging.status()).toMatchObject({ pending: 1, refused: 0 });
    await world.given(...many(200).map((at) => replicated(at)));
    for (let retry = 1; retry <= 5; retry += 1) {
      world.clock.advance(5 * MINUTE_MS);
      await world.resting('PURGE_DENIED');
      expect(world.api.calls).toHaveLength(2 + retry);
    }
    await world.given(cdnAt('https://elsewhere.example.org'));
    await waitFor('all to be purged', () => world.api.purged.length === 202);
    expect(world.api.purged.slice(0, 2)).toEqual([
      `https://elsewhere.example.org/${PURGED_KEY}`,
      `https://elsewhere.example.org/${A}`,
    ]);
    expect(world.purging.status().refused).toBe(0);
  });
});
