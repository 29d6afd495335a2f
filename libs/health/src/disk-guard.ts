import type { Clock } from '@holdfast/domain';
import { type DiskSpace, readDiskSpace } from './disk-space.ts';

/** How much must stay free: of what is given, the smaller part counts. */
export interface MinFree {
  /** Of the whole disk, 0 to 100. */
  readonly percent: number | null;
  readonly bytes: number | null;
}

export interface DiskState extends DiskSpace {
  readonly minFreeBytes: number;
  readonly isBelow: boolean;
}

export interface DiskGuardOptions {
  /** Anywhere on the disk. */
  readonly path: string;
  readonly minFree: MinFree;
  readonly clock: Clock;
  /** Default: asks the operating system. */
  readonly readSpace?: (path: string) => DiskSpace;
}

/** An answer is as good as new for so long: asking may take a while on a disk that is far away. */
const FRESH_MS = 50;

/** Watches the free space of one disk (FR-013, FR-014). */
export class DiskGuard {
  readonly #options: DiskGuardOptions;
  #state: DiskState | null = null;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(options: DiskGuardOptions) {
    this.#options = options;
  }

  /** At most a twentieth of a second old. @throws STORAGE_UNAVAILABLE */
  state(): DiskState {
    const { path, minFree, clock, readSpace = readDiskSpace } = this.#options;
    const now = clock.now().getTime();
    if (this.#state === null || now - this.#readAt >= FRESH_MS || now < this.#readAt) {
      const space = readSpace(path);
      const minFreeBytes = minFreeBytesOf(minFree, space.totalBytes);
      this.#state = { ...space, minFreeBytes, isBelow: space.freeBytes < minFreeBytes };
      this.#readAt = now;
    }
    return this.#state;
  }

  /** As `state`. */
  isBelow(): boolean {
    return this.state().isBelow;
  }
}

export function minFreeBytesOf({ percent, bytes }: MinFree, totalBytes: number): number {
  const parts = [percent === null ? null : (totalBytes * percent) / 100, bytes].filter(
    (part) => part !== null,
  );
  return parts.length === 0 ? 0 : Math.round(Math.min(...parts));
}
