import { type HeldLock, HoldfastError } from '@holdfast/domain';
import { ManualClock } from '@holdfast/domain/testing';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { LockHolder, untilAborted } from './lock-holder.ts';

/** One lock and whoever asks for it. */
class Keeper {
  holder: string | null = null;
  failure: HoldfastError | null = null;
  #lost: AbortController | null = null;

  readonly takenBy = (name: string) => (): Promise<HeldLock> => {
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.holder !== null) {
      return Promise.reject(new HoldfastError('LOCK_TAKEN', `${this.holder} holds it.`));
    }
    const lost = new AbortController();
    [this.holder, this.#lost] = [name, lost];
    const release = (): Promise<void> => {
      if (this.#lost === lost) this.holder = null;
      return Promise.resolve();
    };
    return Promise.resolve({ lost: lost.signal, release });
  };

  lose(): void {
    this.#lost?.abort(new Error('the connection was cut'));
    this.holder = null;
  }
}

let keeper: Keeper;
let clock: ManualClock;
let said: string[];
let failures: string[];
let holders: LockHolder[];

beforeEach(() => {
  [keeper, clock] = [new Keeper(), new ManualClock()];
  [said, failures, holders] = [[], [], []];
});

afterEach(async () => {
  for (const holder of holders) await holder.close();
});

/** @returns the holder, and what its work did */
function hold(name: string, work?: (until: AbortSignal) => Promise<void>) {
  const deeds: string[] = [];
  const say = (_: object, message: string): void => void said.push(message);
  const holder = new LockHolder({
    lock: keeper.takenBy(name),
    clock,
    log: { info: say, warn: say, error: say },
    what: `projector of ${name}`,
    work:
      work ??
      (async (until) => {
        deeds.push('begins');
        await untilAborted(until);
        deeds.push(`ends while ${keeper.holder ?? 'nobody'} holds it`);
      }),
  });
  holder.start(({ code }) => failures.push(code));
  holders.push(holder);
  return { holder, deeds };
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('It did not come about.');
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('works where the lock is held, and elsewhere when that one has ended its work', async () => {
  const [one, other] = [hold('a'), hold('b')];
  await until(() => one.holder.isHeld && other.holder.why !== null);
  expect([other.holder.isHeld, other.holder.why, other.deeds]).toEqual([false, 'a holds it.', []]);
  expect(said).toEqual(['The projector of b stands by: a holds it.']);
  await one.holder.close();
  await until(() => other.holder.isHeld);
  expect([one.deeds, other.deeds]).toEqual([['begins', 'ends while a holds it'], ['begins']]);
  expect(other.holder.why).toBeNull();
});

it('ends the work when the lock is lost, and begins anew when it has it again', async () => {
  const { holder, deeds } = hold('a');
  await until(() => holder.isHeld);
  keeper.lose();
  keeper.failure = new HoldfastError('EVENT_STORE_UNAVAILABLE', 'It is away.');
  await until(() => holder.why === 'It is away.');
  expect([holder.isHeld, deeds]).toEqual([false, ['begins', 'ends while nobody holds it']]);
  keeper.failure = null;
  await until(() => holder.isHeld);
  expect(deeds).toHaveLength(3);
  expect(said[0]).toBe('The projector of a stands by: the lock was lost: the connection was cut');
});

it('lets another have it when the work ends by itself, and asks no more', async () => {
  const { holder } = hold('a', () => Promise.resolve());
  await until(() => keeper.holder === null);
  const other = hold('b');
  await until(() => other.holder.isHeld);
  expect(holder.isHeld).toBe(false);
});

it('tells once of what will not pass', async () => {
  keeper.failure = new HoldfastError('EVENT_STORE_ACCESS_DENIED', 'Not you.');
  const { holder, deeds } = hold('a');
  await until(() => failures.length > 0);
  await holder.close();
  expect([failures, deeds]).toEqual([['EVENT_STORE_ACCESS_DENIED'], []]);
});
