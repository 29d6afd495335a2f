import { statfsSync } from 'node:fs';
import { fileFailure } from './file-errors.ts';

export interface DiskSpace {
  /** What this user may still use; less than is free where the file system keeps a reserve for root. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * The space of the file system that holds `path`.
 * @throws STORAGE_UNAVAILABLE
 */
export function diskSpace(path: string): DiskSpace {
  try {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    throw fileFailure(error, { attempted: 'ask for the free space of', file: path });
  }
}
