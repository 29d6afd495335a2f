import { type Dirent, lstatSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { compareUtf8, sortUtf8 } from '@holdfast/domain';
import { isAbsent, isUnreadable } from './bucket-error.ts';
import { directoriesOfKey } from './object-key.ts';

/** A directory changed less than this before it was read may have changed again within one tick of its clock. */
const SETTLED_AFTER_MS = 1_000;
/** Names that are read, sorted or merged before others get their turn. */
const SLICE = 1_024;

interface KnownDirectory {
  readonly mtimeNs: bigint;
  readonly ino: bigint;
  readonly names: readonly string[];
}

/**
 * Walks the keys below a folder in the order of their UTF-8 bytes, holding one directory per level in
 * memory. Symbolic links and whatever else is no plain file are passed over, as are names at the top that
 * begin with a dot. A directory that cannot be read comes by its own name, which ends in `/`.
 */
export class KeyWalker {
  readonly #folder: string;
  readonly #now: () => Date;
  /** The directories of the last walk's last key, so that the next page need not read them again. */
  readonly #known = new Map<string, KnownDirectory>();

  constructor(folder: string, now: () => Date) {
    this.#folder = folder;
    this.#now = now;
  }

  /**
   * @param prefix  a text, not a directory
   * @param after   exclusive; it need not exist
   */
  async *keys(prefix: string, after: string | null): AsyncGenerator<string, void, void> {
    if (prefix.startsWith('.')) return;
    const top = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const levels = [await this.#level(top, prefix, after)];
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names[level.index];
      if (name === undefined) {
        levels.pop();
        continue;
      }
      level.index += 1;
      const key = level.directory + name;
      if (!key.startsWith(prefix)) {
        // Sorted: once past those that match, none matches any more.
        if (compareUtf8(key, prefix) > 0) levels.pop();
      } else if (name.endsWith('/')) {
        const below = await this.#levelBelow(key, prefix, after);
        if (below !== null) levels.push(below);
        // Not again where it was told before, as the last of a page.
        else if (after === null || compareUtf8(key, after) > 0) yield key;
      } else {
        yield key;
      }
    }
  }

  /** @returns null where it cannot be read */
  async #levelBelow(directory: string, prefix: string, after: string | null) {
    try {
      return await this.#level(directory, prefix, after);
    } catch (error) {
      if (isUnreadable(error)) return null;
      throw error;
    }
  }

  async #level(directory: string, prefix: string, after: string | null) {
    const names = await this.#names(directory);
    const index = Math.max(firstAfter(names, directory, after), firstFrom(names, directory, prefix));
    return { directory, names, index };
  }

  /** Sorted; a directory's name ends in `/`, which is how its keys compare with its neighbours'. */
  async #names(directory: string): Promise<readonly string[]> {
    for (const known of this.#known.keys()) {
      // The next page begins at the top again: what is below stays known until another branch is entered.
      if (!directory.startsWith(known) && !known.startsWith(directory)) this.#known.delete(known);
    }
    const path = join(this.#folder, directory);
    try {
      if (!this.#isPlainDirectory(directory)) return [];
      const stat = lstatSync(path, { bigint: true });
      const known = this.#known.get(directory);
      if (known?.mtimeNs === stat.mtimeNs && known.ino === stat.ino) return known.names;
      const readAt = this.#now().getTime();
      const names = await sortedNames(path, directory === '');
      if (readAt - Number(stat.mtimeMs) > SETTLED_AFTER_MS) {
        this.#known.set(directory, { mtimeNs: stat.mtimeNs, ino: stat.ino, names });
      } else {
        this.#known.delete(directory);
      }
      return names;
    } catch (error) {
      // Deleted since its parent was read.
      if (directory !== '' && isAbsent(error)) return [];
      throw error;
    }
  }

  /** No level of it is a symbolic link; a prefix may name any. */
  #isPlainDirectory(directory: string): boolean {
    if (directory.split('/').some((segment) => segment === '..' || segment === '.')) return false;
    return directoriesOfKey(this.#folder, directory).every((path) => lstatSync(path).isDirectory());
  }
}

/** In slices: a directory of a hundred thousand would otherwise keep everybody else waiting. */
async function sortedNames(path: string, isTop: boolean): Promise<string[]> {
  const runs: string[][] = [];
  let run: string[] = [];
  for await (const entry of await opendir(path, { bufferSize: SLICE })) {
    const name = nameOf(entry, isTop);
    if (name !== null) run.push(name);
    if (run.length < SLICE) continue;
    runs.push(sortUtf8(run));
    run = [];
  }
  return mergeRuns([...runs, sortUtf8(run)]);
}

function nameOf(entry: Dirent, isTop: boolean): string | null {
  if (isTop && entry.name.startsWith('.')) return null;
  if (entry.isDirectory()) return `${entry.name}/`;
  return entry.isFile() ? entry.name : null;
}

async function mergeRuns(runs: readonly string[][]): Promise<string[]> {
  let left = runs;
  while (left.length > 1) {
    const merged: string[][] = [];
    for (let at = 0; at < left.length; at += 2) merged.push(await mergeTwo(left[at]!, left[at + 1] ?? []));
    left = merged;
  }
  return left[0] ?? [];
}

async function mergeTwo(one: string[], other: string[]): Promise<string[]> {
  if (other.length === 0) return one;
  const merged: string[] = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    const isFirst = j === other.length || (i < one.length && compareUtf8(one[i]!, other[j]!) <= 0);
    merged.push(isFirst ? one[i++]! : other[j++]!);
    if (merged.length % SLICE === 0) await setImmediate();
  }
  return merged;
}

/** The first name whose key, or any key below it, comes after `after`. */
function firstAfter(names: readonly string[], directory: string, after: string | null): number {
  if (after === null) return 0;
  const index = lowerBound(names, (name) => compareUtf8(directory + name, after) > 0);
  const before = names[index - 1];
  // `b/` comes before `b/c.json`, and what follows that lies in it.
  return before?.endsWith('/') === true && after.startsWith(directory + before) ? index - 1 : index;
}

const firstFrom = (names: readonly string[], directory: string, prefix: string): number =>
  lowerBound(names, (name) => compareUtf8(directory + name, prefix) >= 0);

/** Index of the first name for which `isPast` holds, as it does for all that follow. */
function lowerBound(names: readonly string[], isPast: (name: string) => boolean): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isPast(names[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
