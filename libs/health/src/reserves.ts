import { statSync } from 'node:fs';
import type { Clock } from '@holdfast/domain';
import { DiskReserve } from './disk-reserve.ts';

/** One and the same where log and data share a disk. */
export interface Reserves {
  readonly data: DiskReserve;
  readonly log: DiskReserve;
}

export function openReserves(options: {
  dataDirectory: string;
  logDirectory: string;
  clock: Clock;
}): Reserves {
  const { dataDirectory, logDirectory, clock } = options;
  const data = new DiskReserve({ directory: dataDirectory, clock });
  const isOneDisk = statSync(dataDirectory).dev === statSync(logDirectory).dev;
  return { data, log: isOneDisk ? data : new DiskReserve({ directory: logDirectory, clock }) };
}
