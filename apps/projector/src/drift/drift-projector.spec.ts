import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Catalog, openCatalog } from '@holdfast/catalog';
import { type HeldLock, HoldfastError, jobStream, systemClock, type TakeLock } from '@holdfast/domain';
import { MemoryEventStore, newEvent, record } from '@holdfast/domain/testing';
import { DriftProjector, type DriftProjectorSettings } from './drift-projector.ts';

const NODE = 'web-1';
const DUE = new Date('2026-01-05T02:00:00.000Z');
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A lock that one takes. */
const oneLock = (): TakeLock => {
  let isTaken = false;
  return (): Promise<HeldLock> => {
    if (isTaken) return Promise.reject(new HoldfastError('LOCK_TAKEN', 'Another holds it.'));
    isTaken = true;
    const release = (): Promise<void> => Promise.resolve(void (isTaken = false));
    return Promise.resolve({ lost: new AbortController().signal, release });
  };
};

let directory: string;
let store: MemoryEventStore;
let catalog: Catalog;
let projector: DriftProjector;

const make = (settings: Partial<DriftProjectorSettings> = {}, lock = oneLock()): DriftProjector =>
  new DriftProjector(
    { store, catalog, clock: systemClock, log: silent, lock },
    { node: NODE, quickScan: null, fullScan: null, timezone: 'UTC', ...settings },
  );

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-drift-'));
  store = new MemoryEventStore();
  catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock: systemClock });
  catalog.start(() => undefined);
  projector = make();
  projector.start();
  await new Promise(setImmediate);
});

afterEach(async () => {
  await projector.close();
  await catalog.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

describe('the drift projector', () => {
  it('asks for a scan that is due once, however often it is asked for', async () => {
    expect(await projector.ask('full', DUE)).toBe(true);
    await make().ask('full', DUE);
    await catalog.caughtUp();
    const jobs = catalog.jobs({ limit: 9 });
    expect(jobs).toMatchObject([
      {
        kind: 'scan',
        node: NODE,
        parameters: { kind: 'full', repair: 'restore', confirmedOrphans: null, sides: 'both' },
        actor: `projector:${NODE}`,
      },
    ]);
  });

  it('leaves the bucket to the one node that holds the lock', async () => {
    await projector.close();
    const lock = oneLock();
    const others = ['web-1', 'web-2', 'web-3'].map((node) => make({ node }, lock));
    const sides = async (due: Date) => {
      await new Promise(setImmediate);
      for (const other of others) await other.ask('full', due);
      await catalog.caughtUp();
      const jobs = catalog.jobs({ limit: 9 }).slice(0, others.length);
      for (const { id } of jobs) {
        const finished = { outcome: 'succeeded', counts: {}, error: null } as const;
        await store.append(jobStream(id), [newEvent({ type: 'JobFinished', data: finished })], 'any');
      }
      await catalog.caughtUp();
      return Object.fromEntries(jobs.map(({ node, parameters }) => [node, parameters['sides']]));
    };
    for (const other of others) other.start();
    expect(await sides(DUE)).toEqual({ 'web-1': 'both', 'web-2': 'local', 'web-3': 'local' });
    await others.shift()!.close();
    await others.shift()!.close();
    const last = make({ node: 'web-4' }, lock);
    others.unshift(last);
    last.start();
    expect(await sides(new Date(DUE.getTime() + 86_400_000))).toEqual({ 'web-4': 'both', 'web-3': 'local' });
    for (const other of others) await other.close();
  });

  it('leaves out a scan that is due while another has not ended', async () => {
    await projector.ask('full', DUE);
    await catalog.caughtUp();
    const later = new Date(DUE.getTime() + 3_600_000);
    expect(await projector.ask('quick', later)).toBe(false);
    expect(projector.status()).toMatchObject({ pending: 1 });
    const finished = { outcome: 'succeeded', counts: {}, error: null } as const;
    const [job] = catalog.jobs({ limit: 1 });
    await store.append(jobStream(job!.id), [newEvent({ type: 'JobFinished', data: finished })], 'any');
    await catalog.caughtUp();
    expect(await projector.ask('quick', later)).toBe(true);
  });

  it('asks by the clock', async () => {
    await projector.close();
    // Every second: patterns of settings have five fields, the schedule itself takes a sixth.
    projector = make({ quickScan: '* * * * * *' });
    projector.start();
    expect(projector.status()).toMatchObject({ name: 'drift', state: 'running', reason: null });
    const deadline = Date.now() + 30_000;
    while (catalog.jobs({ limit: 1 }).length === 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(catalog.jobs({ limit: 9 })).toMatchObject([{ parameters: { kind: 'quick' } }]);
  });

  it('asks for nothing where nothing may be written, and says why', async () => {
    projector.refuse(new HoldfastError('LOG_MISMATCH', 'another log'));
    expect(projector.status()).toMatchObject({ state: 'stopped', reason: 'LOG_MISMATCH: another log' });
    await record(store);
    expect(catalog.jobs({ limit: 1 })).toEqual([]);
  });
});
