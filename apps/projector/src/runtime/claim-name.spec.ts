import { type HeldLock, HoldfastError } from '@holdfast/domain';
import { ManualClock } from '@holdfast/domain/testing';
import { expect, it } from '@jest/globals';
import { claimName } from './claim-name.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function passTime(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('keeps the name of this machine until it is closed', async () => {
  let holders = 0;
  const lock = (): Promise<HeldLock> => {
    holders += 1;
    const release = (): Promise<void> => Promise.resolve(void (holders -= 1));
    return Promise.resolve({ lost: new AbortController().signal, release });
  };
  const holder = await claimName({ node: 'web-1', lock, clock: new ManualClock(), log });
  expect([holder.isHeld, holders]).toEqual([true, 1]);
  await holder.close();
  expect(holders).toBe(0);
});

it('waits for one that has just gone, and NODE_NAME_IN_USE: not for one that stays', async () => {
  const clock = new ManualClock();
  let isTaken = true;
  const lock = (): Promise<HeldLock> =>
    isTaken
      ? Promise.reject(new HoldfastError('LOCK_TAKEN', 'Another process has it.'))
      : Promise.resolve({ lost: new AbortController().signal, release: () => Promise.resolve() });
  const first = claimName({ node: 'web-1', lock, clock, log });
  await passTime(clock, 20_000);
  isTaken = false;
  await passTime(clock, 5_000);
  await (await first).close();

  isTaken = true;
  const second = claimName({ node: 'web-1', lock, clock, log });
  const ended = expect(second).rejects.toMatchObject({ code: 'NODE_NAME_IN_USE', kind: 'fatal' });
  await passTime(clock, 50_000);
  await ended;
});
