import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Catalog, openCatalog } from '@holdfast/catalog';
import { type NewEvent, systemClock } from '@holdfast/domain';
import {
  deleted,
  ManualClock,
  MemoryEventStore,
  newEvent,
  published,
  record,
} from '@holdfast/domain/testing';
import { Pace } from './pace.ts';

let directory: string;
let clock: ManualClock;
let store: MemoryEventStore;
let catalog: Catalog;
let pace: Pace;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-pace-'));
  clock = new ManualClock();
  store = new MemoryEventStore();
  catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock: systemClock });
  catalog.start(() => undefined);
  await record(store, published('before.json'));
  await catalog.reached(await store.head());
  pace = new Pace({ catalog, clock });
});

afterEach(async () => {
  pace.end();
  await catalog.close();
  rmSync(directory, { recursive: true });
});

const signal = new AbortController().signal;

async function happened(event: NewEvent): Promise<void> {
  await record(store, event);
  await catalog.reached(await store.head());
}

/** @returns how long the rest takes after that much work, in milliseconds; at most 1000 */
async function restAfter(workMs: number): Promise<number> {
  clock.advance(workMs);
  let isOver = false;
  const rest = pace.rest(signal).then(() => {
    isOver = true;
  });
  for (let ms = 0; ms <= 1_000; ms += 1) {
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
    if (isOver) return ms;
    clock.advance(1);
  }
  await rest;
  throw new Error('The rest took longer than a second.');
}

describe('the pace of a scan', () => {
  it('gives others a turn, and does not rest where nobody publishes', async () => {
    expect(await restAfter(5)).toBe(0);
  });

  it('rests for twenty times the work while somebody publishes or deletes', async () => {
    await happened(published('a.json'));
    expect(await restAfter(5)).toBe(100);
    expect(await restAfter(2)).toBe(40);
    clock.advance(2_000);
    expect(await restAfter(1)).toBe(0);
    await happened(deleted('a.json'));
    expect(await restAfter(3)).toBe(60);
  });

  it('never rests for longer than a quarter of a second', async () => {
    await happened(published('a.json'));
    expect(await restAfter(60)).toBe(250);
  });

  it('goes on at full speed a second after the last publish', async () => {
    await happened(published('a.json'));
    expect(await restAfter(999)).toBe(250);
    expect(await restAfter(1)).toBe(0);
  });

  it('takes no notice of other events', async () => {
    await happened(newEvent({ type: 'JobProgressed', data: { phase: 'comparing', done: 1, total: 2 } }));
    expect(await restAfter(5)).toBe(0);
  });

  it('ends its rest where it is told to', async () => {
    await happened(published('a.json'));
    const abort = new AbortController();
    clock.advance(10);
    const rest = pace.rest(abort.signal);
    abort.abort();
    await rest;
  });

  it('takes no notice of anything once it has ended', async () => {
    pace.end();
    await happened(published('a.json'));
    expect(await restAfter(5)).toBe(0);
  });
});
