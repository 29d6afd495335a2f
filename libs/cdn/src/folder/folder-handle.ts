import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '@holdfast/domain';
import { bucketUnavailable, hasErrno } from './bucket-error.ts';
import { OWN_DIRECTORY, ROWS_FILE, TMP_DIRECTORY } from './object-key.ts';
import { ObjectRows } from './object-rows.ts';

const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/** The folder with its metadata, opened when it is first needed and again when it was replaced. */
export class FolderHandle {
  readonly #folder: string;
  readonly #clock: Clock;
  #opened: { rows: ObjectRows; ino: bigint; dev: bigint } | null = null;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** @throws OBJECT_STORE_UNAVAILABLE where the folder was there and is gone: an empty one would hide the loss */
  rows(): ObjectRows {
    const file = join(this.#folder, OWN_DIRECTORY, ROWS_FILE);
    if (this.#opened !== null) {
      const found = statSync(file, { bigint: true, throwIfNoEntry: false });
      if (found?.ino === this.#opened.ino && found.dev === this.#opened.dev) return this.#opened.rows;
      if (!existsSync(this.#folder)) {
        throw bucketUnavailable(
          this.#folder,
          'to do anything',
          'the folder is gone. Bring it back; or make an empty one there, or start again, to have a new bucket.',
        );
      }
      this.close();
    }
    makeOwnDirectory(this.#folder);
    this.#removeAbandoned();
    const rows = new ObjectRows(file);
    const { ino, dev } = statSync(file, { bigint: true });
    this.#opened = { rows, ino, dev };
    return rows;
  }

  close(): void {
    this.#opened?.rows.close();
    this.#opened = null;
  }

  /** What a process left when it was killed; a younger one may be another process's, still being written. */
  #removeAbandoned(): void {
    const directory = join(this.#folder, OWN_DIRECTORY, TMP_DIRECTORY);
    const oldest = this.#clock.now().getTime() - ABANDONED_AFTER_MS;
    for (const name of readdirSync(directory)) {
      const file = join(directory, name);
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat !== undefined && stat.mtimeMs < oldest) rmSync(file, { force: true });
    }
  }
}

/**
 * Not by `mkdirSync` with `recursive`: that never returns where a file system says ENOENT below a directory that is
 * there, as /proc does.
 * @returns whether any was missing
 */
function makeDirectories(directory: string): boolean {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return false;
  if (dirname(directory) !== directory) makeDirectories(dirname(directory));
  try {
    mkdirSync(directory);
  } catch (error) {
    // Another process was faster.
    if (!hasErrno(error, 'EEXIST') || !statSync(directory).isDirectory()) throw error;
  }
  return true;
}

function makeOwnDirectory(folder: string): void {
  const own = join(folder, OWN_DIRECTORY);
  if (!makeDirectories(join(own, TMP_DIRECTORY))) return;
  for (const directory of [own, folder, dirname(folder)]) {
    const fd = openSync(directory, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}
