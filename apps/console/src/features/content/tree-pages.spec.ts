import { describe, expect, it } from '@jest/globals';
import { countRows, FIRST_PAGE, learn } from './tree-pages.ts';

describe('the known pages of a list', () => {
  const three = learn(learn(FIRST_PAGE, 0, { next: 'a', length: 5 }), 1, { next: 'b', length: 5 });

  it('grow by one with each page that has a next', () => {
    expect(three.map(({ cursor }) => cursor)).toEqual([null, 'a', 'b']);
    expect(countRows(three, 5, 3)).toBe(13);
    const whole = learn(three, 2, { next: null, length: 2 });
    expect(countRows(whole, 5, 3)).toBe(12);
  });

  it('stay the same array where nothing is new', () => {
    expect(learn(three, 1, { next: 'b', length: 5 })).toBe(three);
    expect(learn(three, 9, { next: null, length: 1 })).toBe(three);
  });

  it('follow when the next page begins elsewhere, and keep those after it', () => {
    const moved = learn(three, 0, { next: 'a2', length: 5 });
    expect(moved.map(({ cursor }) => cursor)).toEqual([null, 'a2', 'b']);
  });

  it('end where the list ends now', () => {
    expect(learn(three, 0, { next: null, length: 4 })).toEqual([{ cursor: null, length: 4 }]);
  });
});
