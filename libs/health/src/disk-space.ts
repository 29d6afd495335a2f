import { HoldfastError } from '@holdfast/domain';
import { statfsSync } from 'node:fs';

export interface DiskSpace {
  /** What this user may still use. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Of the file system that holds `path`. @throws STORAGE_UNAVAILABLE where it cannot be asked, or there is no such path */
export function readDiskSpace(path: string): DiskSpace {
  try {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    const message = `The free space of ${path} cannot be read: ${(error as Error).message}.`;
    throw new HoldfastError('STORAGE_UNAVAILABLE', message, { context: { path }, cause: error });
  }
}
