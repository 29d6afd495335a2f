import type { HoldfastError } from '@holdfast/domain';
import { join } from 'node:path';
import { ContentDirectories, parentOf } from './content-directories.ts';
import { errnoOf, fileFailure } from './file-errors.ts';
import { previousName, temporaryName } from './file-names.ts';
import { type FileOperations, nodeFileOperations } from './file-operations.ts';
import { inSlices } from './slices.ts';

export interface Replacement {
  readonly path: string;
  readonly bytes: Uint8Array;
  /**
   * What `.prev` is to be: these bytes, nothing (null), or a link to the live file, which only the caller
   * who knows from the index what the live file is may ask for.
   */
  readonly previous: Uint8Array | 'live' | null;
  /** The id in the names of its temporary files, as the intent in the index has it. */
  readonly temporary: string;
}

export interface Removal {
  readonly path: string;
  /** Of a replacement that did not come to its end. */
  readonly temporary: string;
}

/** From this many on, one flush of the whole file system is cheaper than one for each. */
export const SHARED_BARRIER_FROM = 32;

/**
 * The files of one generation. Changes are made by the recipe of DESIGN section 5: at no instant is a live
 * name absent or torn, and a change that is reported as done is durable. The caller has noted its
 * intents before, and commits its index after. One change at a time.
 */
export class ContentTree {
  readonly root: string;
  readonly #files: FileOperations;
  readonly #directories: ContentDirectories;

  constructor(options: { root: string; files?: FileOperations }) {
    this.root = options.root;
    this.#files = options.files ?? nodeFileOperations;
    this.#directories = new ContentDirectories(this.root, this.#files);
  }

  /**
   * Makes the changes, each path for itself: one that fails keeps its old version live, loses its
   * temporary files, and does not keep the others. Removals come first, as they make room.
   * @param change.replace, change.remove  no path twice
   * @returns the failures by path, DISK_FULL or STORAGE_UNAVAILABLE; empty when all is done
   */
  async change(change: {
    replace: readonly Replacement[];
    remove: readonly Removal[];
  }): Promise<Map<string, HoldfastError>> {
    // A directory may have become a link since the last change.
    this.#directories.forget();
    const failures = new Map<string, HoldfastError>();
    const sharesBarriers = change.replace.length >= SHARED_BARRIER_FROM;
    const unlessFailed = async (attempted: string, run: (work: Replacement) => void): Promise<void> => {
      const works = change.replace.filter(({ path }) => !failures.has(path));
      await inSlices(works, (work) => {
        this.#attempt(work, attempted, failures, () => run(work));
      });
    };

    await inSlices(change.remove, (work) => {
      this.#attempt(work, 'delete', failures, () => this.#remove(work));
    });
    await unlessFailed('write the new version of', (work) => this.#writeTemporaries(work, !sharesBarriers));
    if (sharesBarriers && !(await this.#flushFileSystem())) {
      await unlessFailed('flush the new version of', (work) => this.#flushTemporaries(work));
    }
    await unlessFailed('replace', (work) => this.#swap(work));
    await this.#flushDirectories([...change.remove, ...change.replace], failures);
    return failures;
  }

  /** Whether the live file is a plain one of this size; it is not read. */
  isIntact(path: string, bytes: number): boolean {
    const stat = this.#files.stat(join(this.root, path));
    return stat?.isFile() === true && stat.size === bytes;
  }

  /**
   * Removes what a replacement that a crash cut short left beside the file, and sees to it that the
   * directories it may have made become durable with the next change.
   */
  recover(work: Removal): void {
    this.#directories.forget();
    try {
      if (this.#directories.exists(parentOf(work.path))) this.#removeTemporaries(work);
      this.#directories.changedUpToRoot(parentOf(work.path));
    } catch (error) {
      throw fileFailure(error, {
        attempted: 'remove the temporary files of',
        file: join(this.root, work.path),
      });
    }
  }

  #attempt(work: Removal, attempted: string, failures: Map<string, HoldfastError>, run: () => void): void {
    try {
      run();
    } catch (error) {
      failures.set(work.path, fileFailure(error, { attempted, file: join(this.root, work.path) }));
      try {
        if (this.#directories.exists(parentOf(work.path))) this.#removeTemporaries(work);
      } catch {
        // A link is on the way, or the file system takes no changes; the intent names them, and the next
        // attempt removes them.
      }
    }
  }

  #writeTemporaries(work: Replacement, flush: boolean): void {
    const directory = parentOf(work.path);
    this.#directories.make(directory);
    try {
      this.#writeFile(temporaryName(work.path, work.temporary), work.bytes, flush);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      // Somebody removed a directory that was there.
      this.#directories.forget();
      this.#directories.make(directory);
      this.#writeFile(temporaryName(work.path, work.temporary), work.bytes, flush);
    }
    if (work.previous instanceof Uint8Array) {
      this.#writeFile(temporaryName(previousName(work.path), work.temporary), work.previous, flush);
    }
  }

  #writeFile(name: string, bytes: Uint8Array, flush: boolean): void {
    const fd = this.#files.createFile(join(this.root, name));
    try {
      this.#files.write(fd, bytes);
      if (flush) this.#files.flush(fd);
    } finally {
      this.#files.close(fd);
    }
  }

  #flushTemporaries(work: Replacement): void {
    this.#files.flushPath(join(this.root, temporaryName(work.path, work.temporary)));
    if (work.previous instanceof Uint8Array) {
      this.#files.flushPath(join(this.root, temporaryName(previousName(work.path), work.temporary)));
    }
  }

  #swap(work: Replacement): void {
    const live = join(this.root, work.path);
    const previous = previousName(live);
    const nextPrevious = temporaryName(previous, work.temporary);
    this.#directories.changed(parentOf(work.path));
    if (work.previous === 'live') this.#files.link(live, nextPrevious);
    if (work.previous === null) this.#unlinkIfThere(previous);
    else this.#files.rename(nextPrevious, previous);
    this.#files.rename(temporaryName(live, work.temporary), live);
  }

  #remove(work: Removal): void {
    const directory = parentOf(work.path);
    if (this.#directories.exists(directory)) {
      const live = join(this.root, work.path);
      this.#directories.changed(directory);
      this.#unlinkIfThere(live);
      this.#unlinkIfThere(previousName(live));
      this.#removeTemporaries(work);
    }
    this.#directories.removeEmpty(directory);
  }

  #removeTemporaries(work: Removal): void {
    const live = join(this.root, work.path);
    this.#unlinkIfThere(temporaryName(live, work.temporary));
    this.#unlinkIfThere(temporaryName(previousName(live), work.temporary));
  }

  #unlinkIfThere(file: string): void {
    try {
      this.#files.unlink(file);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }

  async #flushFileSystem(): Promise<boolean> {
    try {
      await this.#files.flushFileSystem(this.root);
      return true;
    } catch {
      return false;
    }
  }

  /** What lies below a directory that could not be flushed is not durable, so not done. */
  async #flushDirectories(works: readonly Removal[], failures: Map<string, HoldfastError>): Promise<void> {
    const directories = this.#directories.unflushed();
    if (directories.length >= SHARED_BARRIER_FROM && (await this.#flushFileSystem())) {
      this.#directories.flushed(directories);
      return;
    }
    await inSlices(directories, (directory) => {
      try {
        this.#directories.flush(directory);
      } catch (error) {
        const failure = fileFailure(error, {
          attempted: 'flush the directory',
          file: this.#directories.absolute(directory),
        });
        for (const { path } of works) {
          if ((directory === '' || path.startsWith(`${directory}/`)) && !failures.has(path)) {
            failures.set(path, failure);
          }
        }
      }
    });
  }
}
