import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Catalog, openCatalog } from '@holdfast/catalog';
import {
  type HeldLock,
  HoldfastError,
  jobStream,
  type ScanKind,
  systemClock,
  type TakeLock,
} from '@holdfast/domain';
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

/** Its schedules never come: the specs ask. */
const NEVER = '0 0 30 2 *';
/** A lock for each kind. */
const locks = (): ((kind: ScanKind) => TakeLock) => {
  const all = { quick: oneLock(), full: oneLock(), deep: oneLock() };
  return (kind) => all[kind];
};
const make = (settings: Partial<DriftProjectorSettings> = {}, lock = locks()): DriftProjector =>
  new DriftProjector(
    { store, catalog, clock: systemClock, log: silent, lock },
    { node: NODE, quickScan: NEVER, fullScan: NEVER, timezone: 'UTC', ...settings },
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
    const lock = locks();
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

  it('of which one makes no full scans does not keep the others from the bucket in theirs', async () => {
    await projector.close();
    const lock = locks();
    const quickOnly = make({ node: 'web-1', fullScan: null }, lock);
    const other = make({ node: 'web-2' }, lock);
    for (const each of [quickOnly, other]) {
      each.start();
      await new Promise(setImmediate);
    }
    await quickOnly.ask('quick', DUE);
    await other.ask('full', DUE);
    await catalog.caughtUp();
    const asked = catalog.jobs({ limit: 9 }).map(({ node, parameters }) => [node, parameters['sides']]);
    expect(Object.fromEntries(asked)).toEqual({ 'web-1': 'both', 'web-2': 'both' });
    for (const each of [quickOnly, other]) await each.close();
  });

  const later = new Date(DUE.getTime() + 3_600_000);
  const isAskedFor = async (kind: ScanKind): Promise<boolean> => {
    const isAsked = await projector.ask(kind, later);
    await catalog.caughtUp();
    return isAsked;
  };

  it('leaves out a scan that is due while one that does the same has not ended', async () => {
    await projector.ask('full', DUE);
    await catalog.caughtUp();
    expect(await isAskedFor('quick')).toBe(false);
    expect(projector.status()).toMatchObject({ pending: 1 });
    const finished = { outcome: 'succeeded', counts: {}, error: null } as const;
    const [job] = catalog.jobs({ limit: 1 });
    await store.append(jobStream(job!.id), [newEvent({ type: 'JobFinished', data: finished })], 'any');
    await catalog.caughtUp();
    expect(await isAskedFor('quick')).toBe(true);
  });

  it('has a full scan wait behind a quick one, and its repair behind a scan that mends nothing', async () => {
    const parameters = { kind: 'deep', repair: 'none', sides: 'both', confirmedOrphans: null };
    const requested = newEvent({ type: 'JobRequested', data: { kind: 'scan', node: NODE, parameters } });
    await store.append(jobStream('by-hand'), [requested], 'none');
    await catalog.caughtUp();
    expect(await isAskedFor('quick')).toBe(true);
    expect(await isAskedFor('full')).toBe(true);
    expect(projector.status()).toMatchObject({ pending: 3 });
  });

  it('asks by the clock', async () => {
    await projector.close();
    // Every second: patterns of settings have five fields, the schedule itself takes a sixth.
    projector = make({ quickScan: '* * * * * *', fullScan: null });
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
