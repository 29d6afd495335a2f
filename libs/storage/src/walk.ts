import type { LocalEntry } from '@holdfast/domain';
import { errnoOf, fileFailure } from './file-errors.ts';
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
import { namesInOrder } from './names-in-order.ts';

interface Level {
  /** Ends in `/`, but for the root, which is empty. */
  readonly directory: string;
  /** Those that follow, a page at a time. */
  readonly pages: Iterator<readonly string[], void>;
  /** In the order of their bytes; a directory's name ends in `/`, which is how its paths compare with its neighbours'. */
  names: readonly string[];
  known: ReadonlySet<string>;
  /** Whether there are no others. */
  isAll: boolean;
  index: number;
}

/** Few directories have more, and these are read more than once. */
const NAMES_PER_PAGE = 100_000;

/**
 * Everything below a directory, in the order of the UTF-8 bytes of the whole paths, each file hashed; of each level, a
 * page of names is in memory. A document comes with its `.prev`. Of directories come those that are told of: unreadable,
 * of another mode than 0755, empty, or of a name that no document's directory has, which are not entered. Names that are
 * not UTF-8 come with a problem. Symbolic links are never followed.
 * @throws STORAGE_UNAVAILABLE where the root itself cannot be read, or a directory cannot be read to its end
 */
export function* walkTree(
  root: string,
  operations = nodeLookOperations,
  namesPerPage = NAMES_PER_PAGE,
): Generator<LocalEntry, void> {
  const open = (directory: string) => openLevel(root, directory, { operations, namesPerPage });
  const top = open('');
  if ('failure' in top) throw fileFailure(top.failure, { attempted: 'list', file: root });
  const levels: Level[] = [top];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const name = level.names[level.index];
    if (name === undefined) {
      if (level.isAll || !turnPage(level, root)) levels.pop();
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
    const opened = open(path);
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
  { operations, namesPerPage }: { operations: LookOperations; namesPerPage: number },
): Level | { failure: unknown } {
  function* names(): Generator<string, void> {
    for (const entry of operations.list(`${root}/${directory}`)) {
      yield entry.isDirectory() ? `${entry.name}/` : entry.name;
    }
  }
  try {
    const pages = namesInOrder(names, namesPerPage);
    const first = pages.next().value ?? [];
    return { directory, pages, ...atFirst(first), isAll: first.length < namesPerPage };
  } catch (failure) {
    return { failure };
  }
}

const atFirst = (names: readonly string[]): Pick<Level, 'names' | 'known' | 'index'> => ({
  names,
  known: new Set(names),
  index: 0,
});

/** @returns false where there is no other */
function turnPage(level: Level, root: string): boolean {
  try {
    const next = level.pages.next().value;
    if (next !== undefined) Object.assign(level, atFirst(next));
    return next !== undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fileFailure(error, { attempted: 'list', file: `${root}/${level.directory}` });
  }
}

function lookAtName(root: string, level: Level, name: string, operations: LookOperations): LocalEntry | null {
  const path = level.directory + name;
  const role = roleOf(path);
  if (role === 'previous' && hasDocument(root, level, name, operations)) return null;
  const found = lookAtFile(`${root}/${path}`, operations);
  if (found === null) return isMisread(name) ? misread(path) : null;
  const mayHavePrevious = !level.isAll || level.known.has(previousName(name));
  const previous =
    role === 'document' && mayHavePrevious ? lookAtFile(`${root}/${previousName(path)}`, operations) : null;
  return { ...found, path, role, previous };
}

/** A `.prev` comes with its document, which may be on another page. */
function hasDocument(
  root: string,
  { directory, known, isAll }: Level,
  name: string,
  operations: LookOperations,
): boolean {
  const document = name.slice(0, -'.prev'.length);
  if (isAll || known.has(document)) return known.has(document);
  try {
    return operations.stat(`${root}/${directory}${document}`)?.isDirectory() === false;
  } catch {
    return true;
  }
}
