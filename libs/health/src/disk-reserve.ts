import { randomFillSync } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Clock, HoldfastError } from '@holdfast/domain';
import { type DiskSpace, readDiskSpace } from './disk-space.ts';

export interface DiskReserveOptions {
  /** Of the log, or of the data; both processes of a node share one file there. */
  readonly directory: string;
  readonly clock: Clock;
  /** Default: asks the operating system. */
  readonly readSpace?: (path: string) => DiskSpace;
  /** Default 32 MiB; never more than a tenth of the disk. */
  readonly maxBytes?: number;
}

const FILE = 'disk.reserve';
/** Also when the write-ahead files of all databases grow to their usual size, some is left. */
const MAX_BYTES = 32 * 2 ** 20;
const SHARE_OF_DISK = 1 / 10;
/** Of its own size: given up below this much free space, made again above that much. */
const GIVE_UP_BELOW = 0.25;
const MAKE_ABOVE = 1.5;
/** Of its size: as good as whole, as on a small disk the size follows the disk's. */
const WHOLE_ABOVE = 0.9;
/** No making takes so long. */
const ABANDONED_AFTER_MS = 60_000;
const CHUNK_BYTES = 2 ** 20;
/** An answer is as good as new for so long. */
const FRESH_MS = 250;

/**
 * Space that is kept from everybody, in a file that is given up when the disk is full: for what must go on then
 * (deletes, changes of the mode, replication records, alerts). As long as it is spent, documents wait.
 */
export class DiskReserve {
  readonly file: string;
  readonly #options: DiskReserveOptions;
  readonly #readSpace: (path: string) => DiskSpace;
  #spent: { readonly value: boolean; readonly until: number } = { value: false, until: -Infinity };

  constructor(options: DiskReserveOptions) {
    this.#options = options;
    this.#readSpace = options.readSpace ?? readDiskSpace;
    this.file = join(options.directory, FILE);
  }

  /** Whether it was given up, and there is no room yet to make it again. At most a quarter of a second old. @throws STORAGE_UNAVAILABLE */
  get isSpent(): boolean {
    const now = this.#options.clock.now().getTime();
    if (now >= this.#spent.until || now < this.#spent.until - FRESH_MS) {
      this.#spent = { value: this.#look(), until: now + FRESH_MS };
    }
    return this.#spent.value;
  }

  /** To be asked before a document is written. @throws DISK_FULL while it is spent, STORAGE_UNAVAILABLE */
  requireRoom(): void {
    if (!this.isSpent) return;
    const { directory } = this.#options;
    throw new HoldfastError(
      'DISK_FULL',
      `No document is written, as the disk of ${directory} is full: what was kept in reserve for deletes, records and alerts is in use. Make room; it goes on by itself.`,
      { context: { directory } },
    );
  }

  /** Gives the space to whoever takes it next; nothing where it was given up before. */
  release(): void {
    rmSync(this.file, { force: true });
    this.#forget();
  }

  /**
   * Keeps it as it should be: given up before the last bytes are gone, made again when there is room. To be called
   * every few seconds.
   * @throws what the system says where it can be neither
   */
  tend(): void {
    this.#removeAbandoned();
    const { freeBytes, bytes, isWhole } = this.#measure();
    if (freeBytes < bytes * GIVE_UP_BELOW) this.release();
    else if (!isWhole && freeBytes >= bytes * MAKE_ABOVE) this.#make(bytes);
  }

  #look(): boolean {
    const { freeBytes, bytes, isWhole } = this.#measure();
    return !isWhole && freeBytes < bytes * MAKE_ABOVE;
  }

  /** @returns also whether the file is there with as many bytes as it should have: a loss of power may leave fewer */
  #measure(): { freeBytes: number; bytes: number; isWhole: boolean } {
    const { freeBytes, totalBytes } = this.#readSpace(this.#options.directory);
    const { maxBytes = MAX_BYTES } = this.#options;
    const bytes = Math.round(Math.min(maxBytes, totalBytes * SHARE_OF_DISK));
    const size = statSync(this.file, { throwIfNoEntry: false })?.size;
    return { freeBytes, bytes, isWhole: size !== undefined && size >= bytes * WHOLE_ABOVE };
  }

  /** What a process left that was killed while it made one. */
  #removeAbandoned(): void {
    const { directory, clock } = this.#options;
    for (const name of readdirSync(directory)) {
      if (!name.startsWith(`${FILE}.tmp.`)) continue;
      const file = join(directory, name);
      const mtimeMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (Math.abs(clock.now().getTime() - mtimeMs) > ABANDONED_AFTER_MS) rmSync(file, { force: true });
    }
  }

  #make(bytes: number): void {
    const unfinished = `${this.file}.tmp.${process.pid}`;
    try {
      const fd = openSync(unfinished, 'w', 0o600);
      try {
        // Random, so that no file system keeps it in less space than it is to hold.
        const chunk = randomFillSync(Buffer.alloc(Math.min(CHUNK_BYTES, bytes)));
        for (let left = bytes; left > 0;) left -= writeSync(fd, chunk, 0, Math.min(left, chunk.length));
        // A rename that outlives a loss of power must not give its name to a file without bytes.
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(unfinished, this.file);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
    this.#forget();
  }

  #forget(): void {
    this.#spent = { value: false, until: -Infinity };
  }
}
