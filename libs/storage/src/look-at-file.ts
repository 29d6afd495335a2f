import type { FoundFile, LocalEntry, LocalRole } from '@holdfast/domain';
import { isContentPath, parseDirectory } from '@holdfast/domain/paths';
import { hash, createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  type Dirent,
  lstatSync,
  opendirSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs';
import { parse } from 'node:path';
import { errnoOf } from './file-errors.ts';
import { previousName } from './file-names.ts';

/** The system calls of looking at files, so that a spec can make each of them fail. */
export interface LookOperations {
  /** May throw when it is called, and at each step. */
  readonly list: (directory: string) => Iterable<Dirent>;
  /** Without following a link; undefined where there is nothing. */
  readonly stat: (file: string) => Stats | undefined;
  /** SHA-256 of a plain file's bytes, lower-case hex. */
  readonly sha256: (file: string) => string;
}

export const nodeLookOperations: LookOperations = {
  list: entriesOf,
  stat: (file) => lstatSync(file, { throwIfNoEntry: false }),
  sha256: sha256OfFile,
};

/**
 * What stands at a path below a root now, `.prev` beside a document included; never through a symbolic link.
 * @param path  a directory's may end in `/`
 * @returns null where there is nothing; what cannot be looked at has a `problem`
 */
export function lookAt(root: string, path: string, operations = nodeLookOperations): LocalEntry | null {
  const bare = path.endsWith('/') ? path.slice(0, -1) : path;
  if (!isReached(root, bare, operations)) return null;
  const found = lookAtFile(`${root}/${bare}`, operations);
  if (found === null) return isMisread(bare) && isListed(root, path, operations) ? misread(path) : null;
  if (found.kind === 'directory') {
    const inside = lookInside(root, `${bare}/`, operations);
    return inside === null ? null : { ...found, ...inside, path: `${bare}/`, previous: null };
  }
  const role = roleOf(bare);
  const previous = role === 'document' ? lookAtFile(`${root}/${previousName(bare)}`, operations) : null;
  return { ...found, path: bare, role, previous };
}

/**
 * Names that are not UTF-8 are read with U+FFFD in place of what is wrong, and there is nothing to be found by that;
 * rarely, a name really has it.
 */
export const isMisread = (name: string): boolean => name.includes('\ufffd');

/** What can be said of such a name: nobody can look at it. */
export const misread = (path: string): LocalEntry => ({
  path,
  role: 'unknown',
  kind: path.endsWith('/') ? 'directory' : 'other',
  bytes: 0,
  mode: 0,
  sha256: null,
  problem: 'Its name is not UTF-8, so it cannot be looked at: rename it, or move it away by hand.',
  previous: null,
});

function isListed(root: string, path: string, operations: LookOperations): boolean {
  const { dir, base } = parse(`${root}/${path}`);
  try {
    for (const entry of operations.list(dir)) {
      if (entry.name === base && entry.isDirectory() === path.endsWith('/')) return true;
    }
    return false;
  } catch (error) {
    return !isGone(error);
  }
}

/** @returns null where there is nothing */
export function lookAtFile(file: string, operations: LookOperations): FoundFile | null {
  let stat: Stats | undefined;
  try {
    stat = operations.stat(file);
  } catch (error) {
    if (isGone(error)) return null;
    return { kind: 'other', bytes: 0, mode: 0, sha256: null, problem: tellProblem(error) };
  }
  if (stat === undefined) return null;
  const mode = stat.mode & 0o777;
  const bytes = stat.size;
  if (stat.isSymbolicLink()) return { kind: 'link', bytes, mode, sha256: null, problem: null };
  if (stat.isDirectory()) return { kind: 'directory', bytes: 0, mode, sha256: null, problem: null };
  if (!stat.isFile()) return { kind: 'other', bytes, mode, sha256: null, problem: null };
  try {
    return { kind: 'file', bytes, mode, sha256: operations.sha256(file), problem: null };
  } catch (error) {
    if (isGone(error)) return null;
    return { kind: 'file', bytes, mode, sha256: null, problem: tellProblem(error) };
  }
}

/** One after the other, as there may be a million. */
function* entriesOf(directory: string): Generator<Dirent, void> {
  const opened = opendirSync(directory, { bufferSize: ENTRIES_READ_AT_ONCE });
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) yield entry;
  } finally {
    opened.closeSync();
  }
}
const ENTRIES_READ_AT_ONCE = 1_024;

const TEMPORARY = /^(.+?)(?:\.prev)?\.tmp\.[0-9a-f-]{36}$/;

/** The document that a name belongs to; null where it is no name of ours. */
export function documentOf(path: string): string | null {
  const base = TEMPORARY.exec(path)?.[1] ?? (path.endsWith('.prev') ? path.slice(0, -'.prev'.length) : path);
  return isContentPath(base) ? base : null;
}

/** What a file is by its name. */
export function roleOf(path: string): LocalRole {
  if (isContentPath(path)) return 'document';
  if (documentOf(path) === null) return 'unknown';
  return TEMPORARY.test(path) ? 'temporary' : 'previous';
}

/**
 * `unknown`: no directory of documents has that name, or nothing is in it.
 * @returns null where it is gone
 */
function lookInside(
  root: string,
  path: string,
  operations: LookOperations,
): Pick<LocalEntry, 'role' | 'problem'> | null {
  if (!isContentDirectory(path)) return { role: 'unknown', problem: null };
  try {
    for (const _ of operations.list(`${root}/${path}`)) return { role: 'directory', problem: null };
    return { role: 'unknown', problem: null };
  } catch (error) {
    return isGone(error) ? null : { role: 'directory', problem: tellProblem(error) };
  }
}

export function isContentDirectory(path: string): boolean {
  try {
    parseDirectory(path);
    return true;
  } catch {
    return false;
  }
}

/** Every directory above it is one, not a link to one. */
function isReached(root: string, path: string, operations: LookOperations): boolean {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    try {
      if (operations.stat(`${root}/${path.slice(0, slash)}`)?.isDirectory() !== true) return false;
    } catch (error) {
      if (isGone(error)) return false;
      // What can be said of the file itself says why.
      return true;
    }
  }
  return true;
}

const isGone = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');

export const tellProblem = (error: unknown): string => (error as Error).message.slice(0, 500);

/** O_NONBLOCK: a pipe that somebody put there meanwhile must not hang. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CHUNK_BYTES = 1024 * 1024;
let chunk: Buffer | null = null;

function sha256OfFile(file: string): string {
  chunk ??= Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const fd = openSync(file, OPEN_FLAGS);
  try {
    let filled = readSync(fd, chunk, 0, CHUNK_BYTES, null);
    // A short read of a file is its end, but only the next one proves it.
    const next = filled === CHUNK_BYTES ? 0 : readSync(fd, chunk, filled, CHUNK_BYTES - filled, null);
    if (filled < CHUNK_BYTES && next === 0) return hash('sha256', chunk.subarray(0, filled));
    filled += next;
    const whole = createHash('sha256');
    while (filled > 0) {
      whole.update(chunk.subarray(0, filled));
      filled = readSync(fd, chunk, 0, CHUNK_BYTES, null);
    }
    return whole.digest('hex');
  } finally {
    closeSync(fd);
  }
}
