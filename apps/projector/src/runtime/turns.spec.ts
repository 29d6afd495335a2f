import { expect, it } from '@jest/globals';
import { orAborted } from './or-aborted.ts';
import { Turns } from './turns.ts';
import { Wakeup } from './wakeup.ts';

it('turns are taken one at a time, in the order of asking, also after one that failed', async () => {
  const turns = new Turns();
  const steps: string[] = [];
  const work = (name: string, fails = false) =>
    turns.take(async () => {
      steps.push(`${name} begins`);
      await new Promise(setImmediate);
      steps.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const outcomes = await Promise.allSettled([work('a'), work('b', true), work('c')]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

it('a wakeup wakes those who wait, once, and an abort wakes too', async () => {
  const wakeup = new Wakeup();
  const stop = new AbortController();
  const waiting = [wakeup.next(stop.signal), wakeup.next(stop.signal)];
  wakeup.wake();
  await Promise.all(waiting);
  const aborted = wakeup.next(stop.signal);
  stop.abort();
  await aborted;
  await wakeup.next(stop.signal);
});

it('what knows of no signal is waited for until the signal aborts', async () => {
  const stop = new AbortController();
  expect(await orAborted(Promise.resolve(1), stop.signal)).toBe(1);
  await expect(orAborted(Promise.reject(new Error('no')), stop.signal)).rejects.toThrow('no');
  const never = orAborted(new Promise(() => undefined), stop.signal);
  stop.abort();
  await expect(never).rejects.toMatchObject({ name: 'AbortError' });
  await expect(orAborted(Promise.resolve(1), stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
});
