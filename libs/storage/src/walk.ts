import type { LocalEntry } from '@holdfast/domain';
import { sortUtf8 } from '@holdfast/domain/paths';
import type { Dirent } from 'node:fs';
import { fileFailure } from './file-errors.ts';
import { previousName } from './file-names.ts';
import {
  isContentDirectory,
  isMisread,
  lookAtFile,
  type LookOperations,
  misread,
  nodeLookOperations,
  roleOf,
  tellProblem,
} from './look-at-file.ts';

interface Level {
  /** Ends in `/`, but for the root, which is empty. */
  readonly directory: string;
  /** In the order of their bytes; a directory's name ends in `/`, which is how its paths compare with its neighbours'. */
  readonly names: readonly string[];
  readonly known: ReadonlySet<string>;
  index: number;
}

/**
 * Everything below a directory, in the order of the UTF-8 bytes of the whole paths, each file hashed; one directory
 * per level is in memory. A document comes with its `.prev`. Of directories come those that are told of: unreadable,
 * of another mode than 0755, empty, or of a name that no document's directory has, which are not entered. Names that are
 * not UTF-8 come with a problem. Symbolic links are never followed.
 * @throws STORAGE_UNAVAILABLE where the root itself cannot be read
 */
export function* walkTree(root: string, operations = nodeLookOperations): Generator<LocalEntry, void> {
  const top = openLevel(root, '', operations);
  if ('failure' in top) throw fileFailure(top.failure, { attempted: 'list', file: root });
  const levels: Level[] = [top];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const name = level.names[level.index];
    if (name === undefined) {
      levels.pop();
      continue;
    }
    level.index += 1;
    if (!name.endsWith('/')) {
      const entry = lookAtName(root, level, name, operations);
      if (entry !== null) yield entry;
      continue;
    }
    const path = level.directory + name;
    const found = lookAtFile(`${root}/${path.slice(0, -1)}`, operations);
    if (found === null && isMisread(name)) yield misread(path);
    // Gone, or replaced by something else, since its parent was read.
    if (found?.kind !== 'directory' && found?.problem == null) continue;
    const directory = { ...found, kind: 'directory', path, previous: null } as const;
    if (!isContentDirectory(path)) {
      yield { ...directory, role: 'unknown' };
      continue;
    }
    const opened = openLevel(root, path, operations);
    if ('failure' in opened) {
      yield { ...directory, role: 'directory', problem: tellProblem(opened.failure) };
    } else if (opened.names.length === 0) yield { ...directory, role: 'unknown' };
    else {
      if (found.mode !== 0o755) yield { ...directory, role: 'directory' };
      levels.push(opened);
    }
  }
}

function openLevel(
  root: string,
  directory: string,
  operations: LookOperations,
): Level | { failure: unknown } {
  try {
    const names = sortedNames(operations.list(`${root}/${directory}`));
    return { directory, names, known: new Set(names), index: 0 };
  } catch (failure) {
    return { failure };
  }
}

function lookAtName(root: string, level: Level, name: string, operations: LookOperations): LocalEntry | null {
  const path = level.directory + name;
  const role = roleOf(path);
  // It came with its document.
  if (role === 'previous' && level.known.has(name.slice(0, -'.prev'.length))) return null;
  const found = lookAtFile(`${root}/${path}`, operations);
  if (found === null) return isMisread(name) ? misread(path) : null;
  const hasPrevious = role === 'document' && level.known.has(previousName(name));
  const previous = hasPrevious ? lookAtFile(`${root}/${previousName(path)}`, operations) : null;
  return { ...found, path, role, previous };
}

function sortedNames(entries: readonly Dirent[]): string[] {
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  // Two of them may look alike.
  return sortUtf8(names.some(isMisread) ? [...new Set(names)] : names);
}
