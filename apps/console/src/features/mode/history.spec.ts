import { expect, it } from '@jest/globals';
import { spansOf, type Switch } from './history.ts';

const at = (ms: number, choice: Switch['choice']) => ({ at: new Date(ms).toISOString(), choice }) as Switch;

it('is one span after the other, each as long as readers were sent there', () => {
  const switches = [at(80, 'cdn'), at(60, 'off'), at(40, 'fallback')];
  expect(spansOf(switches, 0, 100, true)).toEqual([
    { choice: 'cdn', from: 0, to: 40 },
    { choice: 'fallback', from: 40, to: 60 },
    { choice: 'off', from: 60, to: 80 },
    { choice: 'cdn', from: 80, to: 100 },
  ]);
});

it('begins within what is asked for, and knows nothing of what was before the first change it has', () => {
  const switches = [at(80, 'fallback'), at(10, 'off')];
  expect(spansOf(switches, 50, 100, true)[0]).toEqual({ choice: 'off', from: 50, to: 80 });
  expect(spansOf([at(80, 'fallback')], 50, 100, false)).toEqual([{ choice: 'fallback', from: 80, to: 100 }]);
});

it('has no new span where readers were sent nowhere else, as when the mode was pinned', () => {
  expect(spansOf([at(70, 'cdn'), at(30, 'cdn')], 0, 100, true)).toEqual([
    { choice: 'cdn', from: 0, to: 100 },
  ]);
});
