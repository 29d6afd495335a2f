import { type HeldLock, HoldfastError } from '@holdfast/domain';
import { ManualClock } from '@holdfast/domain/testing';
import { expect, it } from '@jest/globals';
import { until } from './cdn-spec.ts';
import { CdnDuty, type CdnWork } from './cdn-duty.ts';
import type { PurgingStatus } from './purging.ts';

const PURGING: PurgingStatus = {
  state: 'running',
  reason: null,
  pending: 3,
  oldestPendingAt: null,
  refused: 0,
};
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A projector whose end is in the hands of the test. */
function makeWorld() {
  const deeds: string[] = [];
  let [lost, giveUp] = [new AbortController(), (): void => undefined];
  const lock = (): Promise<HeldLock> => {
    lost = new AbortController();
    const release = (): Promise<void> => Promise.resolve(void deeds.push('release'));
    return Promise.resolve({ lost: lost.signal, release });
  };
  const makeWork = (): CdnWork => {
    const ended = new Promise<void>((resolve) => (giveUp = resolve));
    let state: 'running' | 'stopped' = 'running';
    void ended.then(() => (state = 'stopped'));
    const status = { name: 'cdn', reason: null, checkpoint: '5', pending: 7, oldestPendingAt: null } as const;
    return {
      projector: {
        ended,
        start: () => void deeds.push('start'),
        status: () => ({ ...status, state }),
        close: () => Promise.resolve(void deeds.push('close')),
      },
      purging: { status: () => PURGING },
      failover: {
        start: () => void deeds.push('probe'),
        close: () => Promise.resolve(void deeds.push('end probes')),
      },
    };
  };
  const clock = new ManualClock();
  const duty = new CdnDuty({ lock, makeWork, catalog: { checkpoint: '9' }, clock, log });
  return {
    duty,
    deeds,
    clock,
    lose: () => {
      lost.abort(new Error('cut'));
    },
    giveUp: () => {
      giveUp();
    },
  };
}

it('works while the lock is held, with everything made anew when it has it again', async () => {
  const { duty, deeds, lose } = makeWorld();
  expect(duty.status()).toMatchObject({ name: 'cdn', state: 'starting' });
  duty.start();
  await until('the work', () => duty.isHeld);
  expect([duty.status().pending, duty.purgingStatus()]).toEqual([7, PURGING]);
  lose();
  await until('the work to begin again', () => deeds.filter((deed) => deed === 'start').length === 2);
  await duty.close();
  const once = ['probe', 'start', 'end probes', 'close', 'release'];
  expect(deeds).toEqual([...once, ...once]);
});

it('has nothing to do while another holds the lock', async () => {
  const lock = (): Promise<HeldLock> => Promise.reject(new HoldfastError('LOCK_TAKEN', 'Another has it.'));
  const makeWork = (): CdnWork => {
    throw new Error('It is not to work.');
  };
  const duty = new CdnDuty({ lock, makeWork, catalog: { checkpoint: '9' }, clock: new ManualClock(), log });
  duty.start();
  await until('the standing by', () => duty.status().state === 'standing-by');
  expect(duty.status()).toEqual({
    name: 'cdn',
    state: 'standing-by',
    reason: 'Another has it.',
    checkpoint: '9',
    pending: 0,
    oldestPendingAt: null,
  });
  expect([duty.isHeld, duty.purgingStatus().state]).toEqual([false, 'off']);
  await duty.close();
});

it('lets another take over when its projector gives up, and goes on telling why', async () => {
  const { duty, deeds, giveUp } = makeWorld();
  duty.start();
  await until('the work', () => duty.isHeld);
  giveUp();
  await until('the lock to be free', () => deeds.includes('release'));
  expect([duty.isHeld, duty.status().state]).toEqual([false, 'stopped']);
  await duty.close();
});

it('tells why it does nothing at all where nothing may be written', () => {
  const { duty } = makeWorld();
  duty.refuse(new HoldfastError('LOG_MISMATCH', 'Another log.'));
  expect(duty.status()).toMatchObject({ state: 'stopped', reason: 'LOG_MISMATCH: Another log.' });
});
