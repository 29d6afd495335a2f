import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fileFailure } from './file-errors.ts';

export interface LiveFile {
  /** Another for every version: `<dev>:<ino>:<mtime in ns>:<size>`. */
  readonly identity: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  /** The whole file, as it was when it was opened, whatever has replaced it since. */
  read(): Uint8Array;
  /** To be called once, whether it was read or not. */
  close(): void;
}

/** O_NONBLOCK: opening a pipe that somebody put there must not hang. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** ELOOP is O_NOFOLLOW's word for a symbolic link. */
const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENAMETOOLONG']);

/**
 * Opens a file below a generation without following a symbolic link in any component below it.
 * @returns null where there is no such file, or something else than a plain file, or a link on the way
 * @throws  STORAGE_UNAVAILABLE
 */
export function openFileBelow(root: string, path: string): LiveFile | null {
  const file = `${root}/${path}`;
  let fd: number;
  try {
    fd = openSync(file, OPEN_FLAGS);
  } catch (error) {
    if (NOT_THERE.has(errnoOf(error) ?? '')) return null;
    throw fileFailure(error, { attempted: 'open', file });
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    if (stat.isFile() && isWhereItSeems(fd, root, path)) return new OpenLiveFile(fd, file, stat);
  } catch (error) {
    closeSync(fd);
    throw fileFailure(error, { attempted: 'open', file });
  }
  closeSync(fd);
  return null;
}

/** The real path of each root; it changes only when the data directory is moved under a running process. */
const realRoots = new Map<string, string>();
const MAX_REAL_ROOTS = 16;

function realRootOf(root: string): string {
  const known = realRoots.get(root);
  if (known !== undefined) return known;
  const real = realpathSync(root);
  if (realRoots.size >= MAX_REAL_ROOTS) realRoots.clear();
  realRoots.set(root, real);
  return real;
}

/** One system call on Linux, where the kernel says what was really opened; elsewhere one per component. */
function isWhereItSeems(fd: number, root: string, path: string): boolean {
  const opened = openedPath(fd);
  if (opened !== null) {
    const expected = `${realRootOf(root)}/${path}`;
    // The kernel adds this when the file was replaced since; no content path ends so.
    if (opened === expected || opened === `${expected} (deleted)`) return true;
    realRoots.delete(root);
  }
  return hasNoLinkOnTheWay(root, path);
}

function openedPath(fd: number): string | null {
  if (process.platform !== 'linux') return null;
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}

function hasNoLinkOnTheWay(root: string, path: string): boolean {
  let directory = root;
  for (const segment of path.split('/').slice(0, -1)) {
    directory = join(directory, segment);
    if (lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return false;
  }
  return true;
}

class OpenLiveFile implements LiveFile {
  readonly identity: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly #file: string;
  #fd: number | null;

  constructor(
    fd: number,
    file: string,
    stat: { dev: bigint; ino: bigint; mtimeNs: bigint; size: bigint; mtimeMs: bigint },
  ) {
    this.#fd = fd;
    this.#file = file;
    this.identity = `${stat.dev}:${stat.ino}:${stat.mtimeNs}:${stat.size}`;
    this.bytes = Number(stat.size);
    this.mtimeMs = Number(stat.mtimeMs);
  }

  read(): Uint8Array {
    if (this.#fd === null) throw new Error(`${this.#file} was read after it was closed`);
    const buffer = Buffer.allocUnsafe(this.bytes);
    try {
      let filled = 0;
      while (filled < buffer.length) {
        const count = readSync(this.#fd, buffer, filled, buffer.length - filled, filled);
        if (count === 0)
          throw new Error('it became shorter while it was read, which Holdfast itself never does');
        filled += count;
      }
      return buffer;
    } catch (error) {
      throw fileFailure(error, { attempted: 'read', file: this.#file });
    }
  }

  close(): void {
    if (this.#fd === null) return;
    closeSync(this.#fd);
    this.#fd = null;
  }
}
