import { describe, expect, it } from '@jest/globals';
import { FIRST_PAGE, learn, pageAt, startsOf } from './known-pages.ts';

describe('the known pages of a list', () => {
  const three = learn(learn(FIRST_PAGE, 0, { next: 'a', length: 5 }), 1, { next: 'b', length: 4 });

  it('grow by one with each page that has a next', () => {
    expect(three.map(({ cursor }) => cursor)).toEqual([null, 'a', 'b']);
    expect(startsOf(three, 3)).toEqual([0, 5, 9, 12]);
    const whole = learn(three, 2, { next: null, length: 2 });
    expect(startsOf(whole, 3)).toEqual([0, 5, 9, 11]);
  });

  it('stay the same array where nothing is new', () => {
    expect(learn(three, 1, { next: 'b', length: 4 })).toBe(three);
    expect(learn(three, 9, { next: null, length: 1 })).toBe(three);
  });

  it('follow when the next page begins elsewhere, and keep those after it', () => {
    const moved = learn(three, 0, { next: 'a2', length: 5 });
    expect(moved.map(({ cursor }) => cursor)).toEqual([null, 'a2', 'b']);
  });

  it('end where the list ends now', () => {
    expect(learn(three, 0, { next: null, length: 4 })).toEqual([{ cursor: null, length: 4 }]);
  });

  it('tell where a row stands, also behind one that has none', () => {
    expect([0, 4, 5, 8, 9, 11].map((row) => pageAt(startsOf(three, 3), row))).toEqual([0, 0, 1, 1, 2, 2]);
    const hollow = learn(learn(FIRST_PAGE, 0, { next: 'a', length: 0 }), 1, { next: 'b', length: 2 });
    expect([0, 1, 2].map((row) => pageAt(startsOf(hollow, 3), row))).toEqual([1, 1, 2]);
    expect(pageAt(startsOf(learn(FIRST_PAGE, 0, { next: null, length: 0 }), 3), 0)).toBe(0);
  });
});
