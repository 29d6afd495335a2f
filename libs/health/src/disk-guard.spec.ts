import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '@holdfast/domain';
import { ManualClock } from '@holdfast/domain/testing';
import { DiskGuard, type MinFree } from './disk-guard.ts';

const GiB = 2 ** 30;

describe('the disk guard', () => {
  it.each<[string, MinFree, number, number, boolean]>([
    ['a percentage of a small disk', { percent: 10, bytes: 5 * GiB }, 20, 1.9, true],
    ['a percentage of a small disk, held', { percent: 10, bytes: 5 * GiB }, 20, 2, false],
    ['a size on a large disk', { percent: 10, bytes: 5 * GiB }, 1_000, 4.9, true],
    ['a size on a large disk, held', { percent: 10, bytes: 5 * GiB }, 1_000, 5, false],
    ['a percentage alone', { percent: 50, bytes: null }, 10, 4, true],
    ['a size alone', { percent: null, bytes: GiB }, 10, 0.5, true],
    ['nothing at all', { percent: null, bytes: null }, 10, 0, false],
  ])('FR-013 knows when free space is below %s', (_, minFree, totalGiB, freeGiB, isBelow) => {
    const readSpace = () => ({ totalBytes: totalGiB * GiB, freeBytes: freeGiB * GiB });
    const guard = new DiskGuard({ path: '/', minFree, clock: new ManualClock(), readSpace });
    expect(guard.isBelow()).toBe(isBelow);
  });

  it('asks again after a twentieth of a second', () => {
    const clock = new ManualClock();
    let freeBytes = 100;
    const minFree = { percent: 10, bytes: null };
    const guard = new DiskGuard({
      path: '/',
      minFree,
      clock,
      readSpace: () => ({ freeBytes, totalBytes: 1_000 }),
    });
    expect(guard.isBelow()).toBe(false);
    freeBytes = 99;
    clock.advance(49);
    expect(guard.isBelow()).toBe(false);
    clock.advance(1);
    expect(guard.state()).toEqual({ freeBytes: 99, totalBytes: 1_000, minFreeBytes: 100, isBelow: true });
    freeBytes = 100;
    clock.advance(50);
    expect(guard.isBelow()).toBe(false);
  });

  it('STORAGE_UNAVAILABLE names a disk that cannot be asked', () => {
    const path = join(tmpdir(), 'holdfast-none');
    const guard = new DiskGuard({ path, minFree: { percent: 0, bytes: null }, clock: systemClock });
    expect(() => guard.state()).toThrow(
      expect.objectContaining({
        code: 'STORAGE_UNAVAILABLE',
        kind: 'transient',
        message: expect.stringContaining(path),
      }),
    );
  });

  it('reads a real disk', () => {
    const guard = new DiskGuard({ path: tmpdir(), minFree: { percent: 0, bytes: null }, clock: systemClock });
    const { freeBytes, totalBytes, isBelow } = guard.state();
    expect(totalBytes).toBeGreaterThan(freeBytes);
    expect(isBelow).toBe(false);
  });
});
