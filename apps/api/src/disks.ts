import { type Clock, HoldfastError, isHoldfastError, toHoldfastError } from '@holdfast/domain';
import { DiskGuard, type DiskState, openReserves, type Reserves, type WatchedDisk } from '@holdfast/health';
import type { DiskMinFree } from '@holdfast/settings';

export interface NodeDisk extends WatchedDisk {
  readonly directory: string;
  readonly holds: readonly string[];
}

export interface NodeDiskState extends DiskState {
  readonly name: string;
  readonly holds: readonly string[];
  readonly freePercent: number;
  readonly reserveInUse: boolean;
}

const DATA = ['content', 'index'];
const LOG = ['log'];

/** The disks of this node that must not fill up: one, or two where the log lies on another than the files. */
export class Disks {
  /** The first is that of the data directory. */
  readonly all: readonly [NodeDisk, ...NodeDisk[]];

  readonly #reserves: Reserves;

  /** @param options.logDirectory  exists; null where the log is on a server */
  constructor(options: { dataDir: string; logDirectory: string | null; minFree: DiskMinFree; clock: Clock }) {
    const { dataDir, logDirectory, minFree, clock } = options;
    const reserves = openReserves({ dataDirectory: dataDir, logDirectory, clock });
    const guard = (path: string): DiskGuard => new DiskGuard({ path, minFree, clock });
    const data = {
      name: 'data',
      directory: dataDir,
      guard: guard(dataDir),
      reserve: reserves.data,
    } as const;
    this.#reserves = reserves;
    this.all =
      logDirectory === null || reserves.log === reserves.data
        ? [{ ...data, holds: logDirectory === null ? DATA : [...DATA, ...LOG] }]
        : [
            { ...data, holds: DATA },
            {
              name: 'log',
              directory: logDirectory,
              guard: guard(logDirectory),
              reserve: reserves.log,
              holds: LOG,
            },
          ];
  }

  /** What appends may take when the disk of the log is full. */
  get logReserve(): WatchedDisk['reserve'] {
    return this.#reserves.log;
  }

  /** Without those that `failures` tells of. */
  states(): NodeDiskState[] {
    return this.all.flatMap((disk) => {
      const state = stateOf(disk);
      return isHoldfastError(state) ? [] : [state];
    });
  }

  /** STORAGE_UNAVAILABLE for each that cannot be asked what it has free. */
  failures(): HoldfastError[] {
    return this.all.map(stateOf).filter(isHoldfastError);
  }

  /** Whether the disk of the files has less free than it needs, so that DISK_LOW is raised; not where nobody knows. */
  isDataLow(): boolean {
    const data = stateOf(this.all[0]);
    return !isHoldfastError(data) && (data.isBelow || data.reserveInUse);
  }

  /**
   * To be asked before anything is published; deletes and changes of the mode do not ask.
   * @throws DISK_FULL, STORAGE_UNAVAILABLE, before anything is written
   */
  requireRoom(): void {
    for (const { directory, guard, reserve } of this.all) {
      const { isBelow, freeBytes, minFreeBytes } = guard.state();
      if (isBelow) throw tooFull(directory, freeBytes, minFreeBytes);
      reserve.requireRoom();
    }
  }

  /**
   * To be asked before something large is written to the data directory for a while, which must not stop publishing.
   * @throws DISK_FULL, STORAGE_UNAVAILABLE, before anything is written
   */
  requireRoomFor(bytes: number): void {
    const [{ directory, guard }] = this.all;
    const state = guard.state();
    if (state.freeBytes - bytes < state.minFreeBytes) throw noRoomFor(bytes, directory, state);
  }
}

function stateOf({ name, holds, guard, reserve }: NodeDisk): NodeDiskState | HoldfastError {
  try {
    const state = guard.state();
    const freePercent = Math.round((state.freeBytes / Math.max(state.totalBytes, 1)) * 1_000) / 10;
    return { name, holds, ...state, freePercent, reserveInUse: reserve.isSpent };
  } catch (error) {
    return toHoldfastError(error);
  }
}

const noRoomFor = (bytes: number, directory: string, { freeBytes, minFreeBytes }: DiskState): HoldfastError =>
  new HoldfastError(
    'DISK_FULL',
    `The copy of the log was not begun: it may have ${mebibytes(bytes)} MiB, and of the ${mebibytes(freeBytes)} MiB that are free on the disk of ${directory}, HOLDFAST_DISK_MIN_FREE keeps ${mebibytes(minFreeBytes)} MiB. Make room there, or stop Holdfast and copy its log by hand.`,
    { context: { bytes, freeBytes, minFreeBytes } },
  );

const tooFull = (directory: string, freeBytes: number, minFreeBytes: number): HoldfastError =>
  new HoldfastError(
    'DISK_FULL',
    `Publishing pauses: the disk of ${directory} has ${mebibytes(freeBytes)} MiB free, less than the ${mebibytes(minFreeBytes)} MiB of HOLDFAST_DISK_MIN_FREE. It resumes by itself once there is room; deletes still work.`,
    { context: { freeBytes, minFreeBytes } },
  );

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
