import { statfsSync } from 'node:fs';

export interface DiskSpace {
  /** What this user may still use. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Of the file system that holds `path`. @throws what the system says where there is no such path */
export function readDiskSpace(path: string): DiskSpace {
  const { bavail, blocks, bsize } = statfsSync(path);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
