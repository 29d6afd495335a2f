import { HoldfastError } from '@holdfast/domain';
import { dirname, join } from 'node:path';
import { errnoOf } from './file-errors.ts';
import type { FileOperations } from './file-operations.ts';

const MAX_KNOWN = 50_000;

/**
 * The directories below one root: made when they are needed, removed when they are empty, and which of them have
 * changes that are not durable yet. Paths are relative to the root, `''` is the root itself, which
 * is neither made nor removed here.
 */
export class ContentDirectories {
  readonly #root: string;
  readonly #files: FileOperations;
  /** Seen to be real directories, not links to some, since `forget`. */
  readonly #known = new Set<string>(['']);
  readonly #unflushed = new Set<string>();

  constructor(root: string, files: FileOperations) {
    this.#root = root;
    this.#files = files;
  }

  absolute(directory: string): string {
    return directory === '' ? this.#root : join(this.#root, directory);
  }

  /**
   * Makes the directory and those above it, where they are missing.
   * @throws what the system call throws; STORAGE_UNAVAILABLE where there is a link or a file in the way
   */
  make(directory: string): void {
    if (this.#known.has(directory)) return;
    const parent = parentOf(directory);
    this.make(parent);
    if (!this.#isThere(directory)) {
      this.#files.makeDirectory(this.absolute(directory));
      this.#unflushed.add(parent);
    }
    this.#remember(directory);
  }

  /**
   * Whether there is such a directory, with no symbolic link on the way to it.
   * @throws STORAGE_UNAVAILABLE where there is a link or a file in the way
   */
  exists(directory: string): boolean {
    if (this.#known.has(directory)) return true;
    if (!this.exists(parentOf(directory)) || !this.#isThere(directory)) return false;
    this.#remember(directory);
    return true;
  }

  #isThere(directory: string): boolean {
    const absolute = this.absolute(directory);
    const stat = this.#files.stat(absolute);
    if (stat === undefined) return false;
    if (stat.isDirectory()) return true;
    throw inTheWay(absolute, stat.isSymbolicLink() ? 'a symbolic link, which is never followed' : 'a file');
  }

  #remember(directory: string): void {
    if (this.#known.size >= MAX_KNOWN) this.forget();
    this.#known.add(directory);
  }

  /** Removes the directory and those above it as long as they are empty. */
  removeEmpty(directory: string): void {
    for (let current = directory; current !== ''; current = parentOf(current)) {
      try {
        this.#files.removeDirectory(this.absolute(current));
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === 'ENOTEMPTY' || errno === 'EEXIST') return;
        // A link, or something else than a directory: not ours to remove.
        if (errno === 'ENOTDIR') return;
        if (errno !== 'ENOENT') throw error;
      }
      this.#known.delete(current);
      this.#unflushed.delete(current);
      this.#unflushed.add(parentOf(current));
    }
  }

  /** Looks at every directory again: somebody else may have removed or replaced some. */
  forget(): void {
    this.#known.clear();
    this.#known.add('');
  }

  changed(directory: string): void {
    this.#unflushed.add(directory);
  }

  /** The directory, and all above it, may have come into being just before a crash. */
  changedUpToRoot(directory: string): void {
    for (let current = directory; ; current = parentOf(current)) {
      this.#unflushed.add(current);
      if (current === '') return;
    }
  }

  unflushed(): string[] {
    return [...this.#unflushed];
  }

  /** @throws what fsync throws; the directory then stays unflushed */
  flush(directory: string): void {
    try {
      this.#files.flushPath(this.absolute(directory));
    } catch (error) {
      // Removed in the meantime, which is a change of the directory above.
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    this.#unflushed.delete(directory);
  }

  flushed(directories: readonly string[]): void {
    for (const directory of directories) this.#unflushed.delete(directory);
  }
}

/** `a/b/c` -> `a/b` -> `a` -> `''`. */
export function parentOf(path: string): string {
  const parent = dirname(path);
  return parent === '.' ? '' : parent;
}

const inTheWay = (path: string, what: string): HoldfastError =>
  new HoldfastError(
    'STORAGE_UNAVAILABLE',
    `A directory is needed at ${path}, but there is ${what}. Move it away; it goes on by itself.`,
    { context: { file: path } },
  );
