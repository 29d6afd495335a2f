import {
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EventStore, HoldfastError } from '@holdfast/domain';
import { deleted, ManualClock, MemoryEventStore, published } from '@holdfast/domain/testing';
import { appendWithReserve } from './append-with-reserve.ts';
import { DiskReserve } from './disk-reserve.ts';

const KIB = 1024;
const FULL = new HoldfastError('DISK_FULL', 'There is no room.');

let directory: string;
let clock: ManualClock;
/** Of a disk of 10 MiB, the reserve not counted: it takes and gives space as on a real one. */
let otherwiseFree: number;
let reserve: DiskReserve;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-reserve-'));
  clock = new ManualClock();
  otherwiseFree = 10_000 * KIB;
  reserve = new DiskReserve({
    directory,
    clock,
    maxBytes: 400 * KIB,
    readSpace: () => ({
      freeBytes: otherwiseFree - (existsSync(reserve.file) ? statSync(reserve.file).size : 0),
      totalBytes: 10_240 * KIB,
    }),
  });
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const isSpent = (): boolean => {
  clock.advance(1_000);
  return reserve.isSpent;
};

describe('the reserve of a disk', () => {
  it('is made where there is room, of its size, and nothing else is left there', () => {
    reserve.tend();
    expect(readdirSync(directory)).toEqual(['disk.reserve']);
    expect(statSync(reserve.file).size).toBe(400 * KIB);
    expect(isSpent()).toBe(false);
  });

  it('is never more than a tenth of the disk', () => {
    const small = new DiskReserve({
      directory,
      clock,
      readSpace: () => ({ freeBytes: 900 * KIB, totalBytes: 1_000 * KIB }),
    });
    small.tend();
    expect(statSync(small.file).size).toBe(100 * KIB);
  });

  it('is given up before the last bytes are gone, and made again when there is room', () => {
    reserve.tend();
    otherwiseFree = 500 * KIB;
    reserve.tend();
    expect([existsSync(reserve.file), isSpent()]).toEqual([true, false]);
    otherwiseFree = 499 * KIB;
    reserve.tend();
    expect([existsSync(reserve.file), isSpent()]).toEqual([false, true]);
    otherwiseFree = 599 * KIB;
    reserve.tend();
    expect([existsSync(reserve.file), isSpent()]).toEqual([false, true]);
    otherwiseFree = 600 * KIB;
    expect(isSpent()).toBe(false);
    reserve.tend();
    expect([existsSync(reserve.file), isSpent()]).toEqual([true, false]);
  });

  it('is made again where it is smaller than it should be, as after a loss of power, and counts as spent until then', () => {
    reserve.tend();
    truncateSync(reserve.file, 0);
    otherwiseFree = 599 * KIB;
    reserve.tend();
    expect([statSync(reserve.file).size, isSpent()]).toEqual([0, true]);
    otherwiseFree = 600 * KIB;
    reserve.tend();
    expect([statSync(reserve.file).size, isSpent()]).toEqual([400 * KIB, false]);
  });

  it('has what is left of a making that was cut short removed, and leaves alone what is under way', () => {
    const [abandoned, fresh] = [`${reserve.file}.tmp.1`, `${reserve.file}.tmp.2`];
    for (const [file, ageSeconds] of [
      [abandoned, 120],
      [fresh, 5],
    ] as const) {
      writeFileSync(file, 'x');
      const at = clock.now().getTime() / 1_000 - ageSeconds;
      utimesSync(file, at, at);
    }
    reserve.tend();
    expect(readdirSync(directory).sort()).toEqual(['disk.reserve', 'disk.reserve.tmp.2']);
  });

  it('keeps documents from being written while it is spent', () => {
    reserve.tend();
    expect(() => {
      reserve.requireRoom();
    }).not.toThrow();
    reserve.release();
    otherwiseFree = 300 * KIB;
    clock.advance(1_000);
    expect(() => {
      reserve.requireRoom();
    }).toThrow(expect.objectContaining({ code: 'DISK_FULL', kind: 'exhausted' }));
  });

  it('may be released by several', () => {
    reserve.tend();
    reserve.release();
    reserve.release();
    expect(existsSync(reserve.file)).toBe(false);
  });
});

describe('appending to a log on a full disk', () => {
  class FullStore extends MemoryEventStore {
    override append(...args: Parameters<MemoryEventStore['append']>): ReturnType<MemoryEventStore['append']> {
      return existsSync(reserve.file) ? Promise.reject(FULL) : super.append(...args);
    }
  }

  it('gives the reserve up for a delete, and appends it once', async () => {
    reserve.tend();
    const store = appendWithReserve(new FullStore(), reserve);
    expect(await store.append('content-a.json', [deleted('a.json')], 'none')).toMatchObject({ version: 0 });
    expect(existsSync(reserve.file)).toBe(false);
    expect(await store.readStream('content-a.json', { maxCount: 10 })).toHaveLength(1);
  });

  it('gives it up once for several deletes at a time, and appends them all', async () => {
    reserve.tend();
    const store = appendWithReserve(new FullStore(), reserve);
    const paths = ['a.json', 'b.json', 'c.json'];
    const appended = paths.map((path) => store.append(`content-${path}`, [deleted(path)], 'none'));
    expect(await Promise.all(appended)).toMatchObject(paths.map(() => ({ version: 0 })));
    expect(existsSync(reserve.file)).toBe(false);
  });

  it('does not for content', async () => {
    reserve.tend();
    const store = appendWithReserve(new FullStore(), reserve);
    await expect(store.append('content-a.json', [published('a.json')], 'none')).rejects.toBe(FULL);
    expect(existsSync(reserve.file)).toBe(true);
  });

  it('fails where the reserve is spent already', async () => {
    class AlwaysFull extends MemoryEventStore {
      override append(): Promise<never> {
        return Promise.reject(FULL);
      }
    }
    const store: EventStore = appendWithReserve(new AlwaysFull(), reserve);
    await expect(store.append('content-a.json', [deleted('a.json')], 'none')).rejects.toBe(FULL);
    await store.close();
  });
});
