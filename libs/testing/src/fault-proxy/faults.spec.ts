import { describe, expect, it } from '@jest/globals';
import { type Fault, scriptedFaults, seededFaults, type SeenRequest } from './faults.ts';

const SLOW_DOWN: Fault = { kind: 'slow-down' };
const LOST: Fault = { kind: 'lost-answer' };

const put = (path: string, nth = 0): SeenRequest => ({ method: 'PUT', path, query: '', nth });
const thousand = Array.from({ length: 1000 }, (_, n) => put(`/b/u${n % 100}.json`, Math.floor(n / 100)));

describe('seededFaults', () => {
  const options = { seed: 7, share: 0.2, faults: [SLOW_DOWN, LOST] };

  it('decides the same for the same requests in another order', () => {
    const decide = seededFaults(options);
    const again = seededFaults(options);
    const decided = thousand.map(decide);
    expect([...thousand].reverse().map(again).reverse()).toEqual(decided);
    expect(thousand.map(seededFaults({ ...options, seed: 8 }))).not.toEqual(decided);
  });

  it('hits about the share it is given, with each of the faults', () => {
    const decided = thousand.map(seededFaults(options));
    const slowDowns = decided.filter((fault) => fault === SLOW_DOWN).length;
    const losses = decided.filter((fault) => fault === LOST).length;
    expect(slowDowns + losses).toBeGreaterThan(150);
    expect(slowDowns + losses).toBeLessThan(250);
    expect(Math.min(slowDowns, losses)).toBeGreaterThan(50);
  });

  it('spares the requests that are not meant', () => {
    const decide = seededFaults({ ...options, share: 1, only: ({ method }) => method === 'GET' });
    expect(thousand.map(decide)).toEqual(thousand.map(() => null));
  });
});

describe('scriptedFaults', () => {
  it('goes through its entries for the requests that are meant, and then lets all pass', () => {
    const decide = scriptedFaults([SLOW_DOWN, null, LOST], ({ path }) => path === '/b/u1.json');
    const paths = ['/b/u1.json', '/b/u2.json', '/b/u1.json', '/b/u1.json', '/b/u1.json'];
    expect(paths.map((path) => decide(put(path)))).toEqual([SLOW_DOWN, null, null, LOST, null]);
  });
});
