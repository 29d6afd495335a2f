import { HoldfastError } from '@holdfast/domain';
import type { DiskMinFree } from '@holdfast/settings';
import { type DiskSpace, diskSpace } from '@holdfast/storage';

export interface DiskState extends DiskSpace {
  /** Below this, nothing is published. */
  readonly minFreeBytes: number;
  readonly isFull: boolean;
}

/** @throws STORAGE_UNAVAILABLE */
export function readDisk(directory: string, minFree: DiskMinFree): DiskState {
  const space = diskSpace(directory);
  const parts = [
    minFree.percent === null ? [] : [(space.totalBytes * minFree.percent) / 100],
    minFree.bytes === null ? [] : [minFree.bytes],
  ].flat();
  const minFreeBytes = Math.round(Math.min(...parts));
  return { ...space, minFreeBytes, isFull: space.freeBytes < minFreeBytes };
}

/** @throws DISK_FULL, before anything is written; deletes and changes of the mode do not ask */
export function requireDiskSpace(directories: readonly string[], minFree: DiskMinFree): void {
  for (const directory of directories) requireRoom(directory, minFree);
}

function requireRoom(directory: string, minFree: DiskMinFree): void {
  const { isFull, freeBytes, minFreeBytes } = readDisk(directory, minFree);
  if (!isFull) return;
  throw new HoldfastError(
    'DISK_FULL',
    `Publishing pauses: the disk of ${directory} has ${mebibytes(freeBytes)} MiB free, less than the ${mebibytes(minFreeBytes)} MiB of HOLDFAST_DISK_MIN_FREE. It resumes by itself once there is room; deletes still work.`,
    { context: { freeBytes, minFreeBytes } },
  );
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
