import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ContentPath,
  compareUtf8,
  HoldfastError,
  isHoldfastError,
  parseDirectory,
  parsePath,
} from '@holdfast/domain';

/** Why something below the directory is no document and no failure. */
export type SkipReason =
  'symbolic link' | 'name begins with a dot' | 'not .json' | 'neither file nor directory';

export type Found =
  | { readonly kind: 'document'; readonly path: ContentPath; readonly file: string }
  | { readonly kind: 'skipped'; readonly path: string; readonly reason: SkipReason }
  | { readonly kind: 'failed'; readonly path: string; readonly error: HoldfastError };

interface Entry {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'link' | 'other';
  /** What the name sorts by: a directory's paths all go on with `/`. */
  readonly key: string;
  readonly isUtf8: boolean;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Everything below a directory, in the order of the UTF-8 bytes of its path, as the server lists; links are
 * never followed. Keeps one directory's names for each level in memory.
 * @param into  what goes before each path: empty, or a directory with its `/`
 * @throws USAGE_INVALID when the directory itself cannot be read
 */
export function* walk(root: string, into: string): Generator<Found> {
  const open = [{ directory: root, path: into, entries: readEntries(root).values() }];
  for (let current = open.at(-1); current !== undefined; current = open.at(-1)) {
    const { value: entry, done } = current.entries.next();
    if (done === true) {
      open.pop();
      continue;
    }
    const path = current.path + entry.name;
    const skipped = findSkipReason(entry);
    if (skipped !== null) {
      yield { kind: 'skipped', path, reason: skipped };
      continue;
    }
    const file = join(current.directory, entry.name);
    try {
      if (entry.type === 'file') {
        yield { kind: 'document', path: requireUtf8(entry, parsePath(path)), file };
      } else {
        const directory = requireUtf8(entry, parseDirectory(`${path}/`));
        open.push({ directory: file, path: directory, entries: readEntries(file).values() });
      }
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      yield { kind: 'failed', path: entry.type === 'file' ? path : `${path}/`, error };
    }
  }
}

/** How many documents {@link walk} will find, or a few more; for progress. */
export function countDocuments(root: string): number {
  let count = 0;
  const open = [root];
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    for (const entry of readEntriesOrNone(directory)) {
      if (findSkipReason(entry) !== null) continue;
      if (entry.type === 'directory') open.push(join(directory, entry.name));
      else count += 1;
    }
  }
  return count;
}

function findSkipReason({ name, type }: Entry): SkipReason | null {
  if (type === 'link') return 'symbolic link';
  if (name.startsWith('.')) return 'name begins with a dot';
  if (type === 'other') return 'neither file nor directory';
  return type === 'file' && !name.endsWith('.json') ? 'not .json' : null;
}

/** The name shown has replacement characters in it: no file has it. */
function requireUtf8<Path extends string>(entry: Entry, path: Path): Path {
  if (entry.isUtf8) return path;
  throw new HoldfastError('PATH_INVALID', `The name ${JSON.stringify(entry.name)} is not UTF-8 on the disk.`);
}

function readEntries(directory: string): Entry[] {
  try {
    return readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })
      .map((entry) => toEntry(entry, directory))
      .sort((left, right) => compareUtf8(left.key, right.key));
  } catch (cause) {
    throw new HoldfastError(
      'USAGE_INVALID',
      `The directory ${directory} cannot be read: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

const readEntriesOrNone = (directory: string): Entry[] => {
  try {
    return readEntries(directory);
  } catch {
    return [];
  }
};

function toEntry(entry: Dirent<NonSharedBuffer>, directory: string): Entry {
  const { name, isUtf8 } = decode(entry.name);
  const type = typeOf(entry, directory, name);
  // A link to a directory stands where the directory would.
  const isLikeDirectory = type === 'directory' || (type === 'link' && !name.endsWith('.json'));
  return { name, type, key: isLikeDirectory ? `${name}/` : name, isUtf8 };
}

function decode(name: Uint8Array): { name: string; isUtf8: boolean } {
  try {
    return { name: decoder.decode(name), isUtf8: true };
  } catch {
    return { name: Buffer.from(name).toString(), isUtf8: false };
  }
}

function typeOf(entry: Dirent<NonSharedBuffer>, directory: string, name: string): Entry['type'] {
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isDirectory()) return 'directory';
  if (entry.isFile()) return 'file';
  // Some file systems do not say what an entry is.
  const status = lstatSync(join(directory, name), { throwIfNoEntry: false });
  if (status?.isSymbolicLink() === true) return 'link';
  if (status?.isDirectory() === true) return 'directory';
  return status?.isFile() === true ? 'file' : 'other';
}
