import { join } from 'node:path';
import { HoldfastError } from '@holdfast/domain';

// What lies in a folder bucket:
//
//   <folder>/plans/p1/manifest.json       the object of that key: its bytes and nothing else
//   <folder>/.holdfast/probe.json         objects of Holdfast's own; not listed
//   <folder>/.holdfast/objects.db         headers and metadata of all objects
//   <folder>/.holdfast/tmp/<uuid>         an object while it is written

export const OWN_DIRECTORY = '.holdfast';
export const ROWS_FILE = 'objects.db';
export const TMP_DIRECTORY = 'tmp';

const MAX_KEY_BYTES = 1024;
const MAX_SEGMENT_BYTES = 255;

/** @returns why no object can have that key; null when one can */
function findProblem(key: string): string | null {
  if (!key.isWellFormed()) return 'it holds half of a surrogate pair';
  if (key.includes('\0')) return 'it holds a NUL';
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `it is longer than ${MAX_KEY_BYTES} bytes of UTF-8`;
  const segments = key.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    return 'it has a segment that is empty, "." or ".."';
  }
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) {
    return `it has a segment longer than ${MAX_SEGMENT_BYTES} bytes of UTF-8`;
  }
  const [first, second = ''] = segments;
  if (first === OWN_DIRECTORY && (second === TMP_DIRECTORY || second.startsWith(ROWS_FILE))) {
    return 'the folder bucket keeps its own files there';
  }
  return null;
}

/** The object's file, always below the folder; null where no object can have that key. */
export const fileOfKey = (folder: string, key: string): string | null =>
  findProblem(key) === null ? join(folder, key) : null;

/** @throws PATH_INVALID */
export function requireFileOfKey(folder: string, key: string): string {
  const problem = findProblem(key);
  if (problem === null) return join(folder, key);
  throw new HoldfastError(
    'PATH_INVALID',
    `Nothing can be stored under the key ${JSON.stringify(key.slice(0, 300))} in the folder bucket: ${problem}.`,
    { context: { key: key.slice(0, 1100) } },
  );
}

/** The directories above an object, from the top: `a/b/c.json` -> `<folder>/a`, `<folder>/a/b`. */
export function directoriesOfKey(folder: string, key: string): string[] {
  const directories: string[] = [];
  for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1)) {
    directories.push(join(folder, key.slice(0, slash)));
  }
  return directories;
}
