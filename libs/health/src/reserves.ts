import { statSync } from 'node:fs';
import type { Clock } from '@holdfast/domain';
import { DiskReserve } from './disk-reserve.ts';

/** One and the same where log and data share a disk, or the log is on a server. */
export interface Reserves {
  readonly data: DiskReserve;
  readonly log: DiskReserve;
}

export function openReserves(options: {
  dataDirectory: string;
  /** Null: on a server, whose disk is its own to watch. */
  logDirectory: string | null;
  clock: Clock;
}): Reserves {
  const { dataDirectory, logDirectory, clock } = options;
  const data = new DiskReserve({ directory: dataDirectory, clock });
  if (logDirectory === null) return { data, log: data };
  const isOneDisk = statSync(dataDirectory).dev === statSync(logDirectory).dev;
  return { data, log: isOneDisk ? data : new DiskReserve({ directory: logDirectory, clock }) };
}
