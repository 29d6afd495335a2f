import type { DiskGuard } from '../disk-guard.ts';
import type { DiskReserve } from '../disk-reserve.ts';
import type { Finding, Lookout } from './condition-watch.ts';

export interface WatchedDisk {
  readonly name: string;
  readonly guard: DiskGuard;
  readonly reserve: DiskReserve;
}

/** Keeps the reserves of this node's disks, and says of each disk whether it is low (DISK_LOW). */
export const lookAtDisks = (node: string, disks: readonly WatchedDisk[]): Lookout => ({
  what: 'the disks',
  look: () =>
    disks.map(({ name, guard, reserve }): Finding => {
      const which = { code: 'DISK_LOW', subject: `${node}/${name}` } as const;
      try {
        reserve.tend();
      } catch {
        // Another process may have been a moment earlier; whether there is room is asked below.
      }
      const { freeBytes, totalBytes, minFreeBytes, isBelow } = guard.state();
      const { isSpent } = reserve;
      if (!isBelow && !isSpent) return { ...which, problem: null };
      const whatWaits = isSpent
        ? 'The reserve is in use: no document is written, deletes and records go on while it lasts.'
        : 'Publishing is refused; deletes and changes of the mode still work.';
      const message = `The ${name} disk of ${node} has ${mebibytes(freeBytes)} MiB free of ${mebibytes(totalBytes)} MiB, and needs ${mebibytes(minFreeBytes)} MiB. ${whatWaits} Make room; everything goes on by itself.`;
      return {
        ...which,
        problem: {
          severity: isSpent ? 'critical' : 'warning',
          message,
          details: { freeBytes, totalBytes, minFreeBytes, reserveInUse: isSpent },
        },
      };
    }),
});

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
