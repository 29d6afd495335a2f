import { type Clock, toHoldfastError } from '@holdfast/domain';
import type { DiskGuard } from '../disk-guard.ts';
import type { DiskReserve } from '../disk-reserve.ts';
import type { Finding, Lookout } from './condition-watch.ts';

const NAMES = ['data', 'log'] as const;

export interface WatchedDisk {
  /** `log`: where it lies on another disk than the files. */
  readonly name: (typeof NAMES)[number];
  readonly guard: DiskGuard;
  readonly reserve: DiskReserve;
}

/** One that is far away may be away for a moment. */
const RAISE_AFTER_MS = 15_000;

/**
 * Keeps the reserves of this node's disks, and says of each disk whether it is low (DISK_LOW), or has not said for a
 * while what it has free. One that is not there any more is not low.
 * @param disks  none: another process tells of them
 */
export function lookAtDisks(node: string, disks: readonly WatchedDisk[], clock: Clock): Lookout {
  const failingSince = new Map<string, Date>();
  const look = (disk: WatchedDisk): Finding[] => {
    const { name } = disk;
    const which = { code: 'DISK_LOW', subject: `${node}/${name}` } as const;
    try {
      const problem = findProblem(node, disk);
      failingSince.delete(name);
      return [{ ...which, problem }];
    } catch (error) {
      const at = failingSince.get(name) ?? clock.now();
      failingSince.set(name, at);
      if (clock.now().getTime() - at.getTime() < RAISE_AFTER_MS) return [];
      const { code, message: why } = toHoldfastError(error);
      const since = at.toISOString();
      const message = `The ${name} disk of ${node} has not said what it has free since ${since}: ${why} Publishing is refused. Look at the disk and its mount; everything goes on by itself.`;
      return [{ ...which, problem: { severity: 'critical', message, details: { code, since } } }];
    }
  };
  // The log was moved to the disk of the files, or to a server.
  const gone = NAMES.filter((name) => disks.every((disk) => disk.name !== name)).map((name): Finding => ({
    code: 'DISK_LOW',
    subject: `${node}/${name}`,
    problem: null,
  }));
  return { what: 'the disks', look: () => (disks.length === 0 ? [] : [...disks.flatMap(look), ...gone]) };
}

/** @throws STORAGE_UNAVAILABLE where it cannot be asked */
function findProblem(node: string, { name, guard, reserve }: WatchedDisk): Finding['problem'] {
  try {
    reserve.tend();
  } catch {
    // Another process may have been a moment earlier; whether there is room is asked below.
  }
  const { freeBytes, totalBytes, minFreeBytes, isBelow } = guard.state();
  const { isSpent } = reserve;
  if (!isBelow && !isSpent) return null;
  const whatWaits = isSpent
    ? 'The reserve is in use: no document is written, deletes and records go on while it lasts.'
    : 'Publishing is refused; deletes and changes of the mode still work.';
  const message = `The ${name} disk of ${node} has ${mebibytes(freeBytes)} MiB free of ${mebibytes(totalBytes)} MiB, and needs ${mebibytes(minFreeBytes)} MiB. ${whatWaits} Make room; everything goes on by itself.`;
  return {
    severity: isSpent ? 'critical' : 'warning',
    message,
    details: { freeBytes, totalBytes, minFreeBytes, reserveInUse: isSpent },
  };
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
