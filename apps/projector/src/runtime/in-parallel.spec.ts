import { expect, it } from '@jest/globals';
import { inParallel } from './in-parallel.ts';

/** Work whose end each test decides. */
function givenWork() {
  const begun: number[] = [];
  const gates = new Map<number, PromiseWithResolvers<void>>();
  const work = (item: number): Promise<void> => {
    begun.push(item);
    const gate = Promise.withResolvers<void>();
    gates.set(item, gate);
    return gate.promise;
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const end = async (item: number): Promise<void> => {
    gates.get(item)!.resolve();
    await turn();
  };
  const fail = async (item: number): Promise<void> => {
    gates.get(item)!.reject(new Error(`${item} failed`));
    await turn();
  };
  return { begun, work, end, fail };
}

it('works on all items, so many at a time', async () => {
  const { begun, work, end } = givenWork();
  const all = inParallel([1, 2, 3, 4], 2, work);
  expect(begun).toEqual([1, 2]);
  await end(2);
  expect(begun).toEqual([1, 2, 3]);
  await end(3);
  expect(begun).toEqual([1, 2, 3, 4]);
  for (const item of [1, 4]) await end(item);
  await all;
  await inParallel([], 2, () => Promise.reject(new Error('there is nothing to work on')));
});

it('begins nothing more after a failure, and throws the first one when what was under way has ended', async () => {
  const { begun, work, end, fail } = givenWork();
  let outcome: unknown = null;
  const all = inParallel([1, 2, 3, 4, 5, 6], 3, work).catch((error: unknown) => {
    outcome = error;
  });
  await fail(2);
  await end(1);
  expect([begun, outcome]).toEqual([[1, 2, 3], null]);
  await fail(3);
  await all;
  expect([begun, outcome]).toEqual([[1, 2, 3], new Error('2 failed')]);
});
