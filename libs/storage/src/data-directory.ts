import { HoldfastError } from '@holdfast/domain';
import { randomUUID } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { dataPaths } from './data-paths.ts';
import { currentUser, errnoOf } from './file-errors.ts';
import { makeDirectories } from './make-directories.ts';
import { generationIndexFile, generationRoot, listGenerations } from './generations.ts';

export interface DataDirectoryTraits {
  /** The file system takes names that differ in case, or in Unicode normalisation, for one. */
  readonly lowerCaseOnly: boolean;
}

/**
 * Makes the data directory where there is none, and tries in it everything a projector and a log will need.
 * May be called by several processes at once. A full disk is no failure here: what is published can
 * still be read.
 * @throws DATA_DIR_UNUSABLE naming the path, its owner and the user
 */
export function prepareDataDirectory(dataDir: string): DataDirectoryTraits {
  const paths = dataPaths(dataDir);
  for (const directory of [paths.root, paths.generations]) {
    attempt(directory, 'make the directory', () => makeDurably(directory));
    attempt(directory, 'write to the directory', () => {
      if (!statSync(directory).isDirectory()) throw new Error('it is not a directory');
      accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    });
  }
  checkContentLink(paths.contentLink);
  for (const existing of ownedFiles(dataDir)) {
    attempt(existing, 'write to', () => accessSync(existing, constants.R_OK | constants.W_OK));
  }
  return tryOperations(paths.generations);
}

/** What is acknowledged later must not vanish with a directory whose own name a loss of power took back. */
function makeDurably(directory: string): void {
  for (const made of makeDirectories(directory)) flush(dirname(made));
}

function checkContentLink(link: string): void {
  const stat = lstatSync(link, { throwIfNoEntry: false });
  if (stat === undefined || stat.isSymbolicLink()) return;
  throw unusable(link, 'keep the link to the live files at', 'something else has that name: move it away');
}

/** What an earlier run may have left that this user cannot write, typically one as root. */
function ownedFiles(dataDir: string): string[] {
  const paths = dataPaths(dataDir);
  const generations = listGenerations(dataDir).flatMap((name) => [
    generationRoot(dataDir, name),
    generationIndexFile(dataDir, name),
  ]);
  const candidates = [...generations, paths.events, paths.eventsBell, paths.localBell, paths.bucket];
  return candidates.filter((file) => existsSync(file));
}

function tryOperations(directory: string): DataDirectoryTraits {
  const probe = join(directory, `.probe-${randomUUID()}`);
  // U+00E9 as one character here, as two in the other spelling below.
  const file = join(probe, 'caf\u00e9.tmp');
  try {
    attempt(directory, 'make a directory in', () => mkdirSync(probe));
    attempt(directory, 'write and fsync a file in', () => writeAndFlush(file));
    attempt(directory, 'fsync', () => flush(directory));
    attempt(directory, 'make a hard link in (the version before is kept so)', () =>
      linkSync(file, join(probe, 'linked')),
    );
    attempt(directory, 'rename a file in', () => renameSync(join(probe, 'linked'), join(probe, 'renamed')));
    attempt(directory, 'make a symbolic link in', () => {
      symlinkSync('caf\u00e9.tmp', join(probe, 'symbolic'));
      readlinkSync(join(probe, 'symbolic'));
    });
    const folds = ['CAF\u00c9.TMP', 'cafe\u0301.tmp'].some((other) => existsSync(join(probe, other)));
    return { lowerCaseOnly: folds };
  } catch (error) {
    if (error instanceof FullDisk) return { lowerCaseOnly: ignoresCase(directory) };
    throw error;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

/** Asks without making a file. */
const ignoresCase = (directory: string): boolean => existsSync(join(directory, '..', 'GENERATIONS'));

function writeAndFlush(file: string): void {
  const fd = openSync(file, 'wx', 0o644);
  try {
    writeSync(fd, 'probe\n');
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function flush(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

class FullDisk extends Error {}

function attempt(path: string, attempted: string, run: () => void): void {
  try {
    run();
  } catch (cause) {
    if (['ENOSPC', 'EDQUOT'].includes(errnoOf(cause) ?? '')) throw new FullDisk();
    throw unusable(path, attempted, (cause as Error).message, cause);
  }
}

function unusable(path: string, attempted: string, why: string, cause?: unknown): HoldfastError {
  const user = currentUser();
  const stat = statSync(path, { throwIfNoEntry: false });
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const owner =
    stat === undefined
      ? isLink
        ? 'a symbolic link to what does not exist'
        : 'it does not exist'
      : `owner uid ${stat.uid}, mode ${(stat.mode & 0o7777).toString(8)}`;
  return new HoldfastError(
    'DATA_DIR_UNUSABLE',
    `Could not ${attempted} ${path} as ${user} (${owner}): ${why}. Give ${user} the directory, or name another in HOLDFAST_DATA_DIR.`,
    { context: { path, user, errno: errnoOf(cause) }, ...(cause === undefined ? {} : { cause }) },
  );
}
