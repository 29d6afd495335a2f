import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  opendirSync,
  openSync,
  read,
} from 'node:fs';
import { promisify } from 'node:util';
import { isAbsent } from './bucket-error.ts';
import { directoriesOfKey, fileOfKey } from './object-key.ts';

const readInto = promisify(read);
const CHUNK_BYTES = 1024 * 1024;

export const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** @returns null where there is no plain file, or a symbolic link lies on the way to it */
export function statObject(folder: string, key: string, file: string): BigIntStats | null {
  try {
    if (!arePlain(directoriesOfKey(folder, key))) return null;
    const stat = lstatSync(file, { bigint: true });
    return stat.isFile() ? stat : null;
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/**
 * Reads a name in a directory; never through a symbolic link. Nothing happens where there is no such directory.
 * @param directory  below the folder, ending in `/`
 */
export function requireReadable(folder: string, directory: string): void {
  const path = fileOfKey(folder, directory.slice(0, -1));
  try {
    if (path === null || !arePlain(directoriesOfKey(folder, directory))) return;
    const opened = opendirSync(path);
    try {
      opened.readSync();
    } finally {
      opened.closeSync();
    }
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** None of them is a symbolic link, or anything else. */
const arePlain = (directories: readonly string[]): boolean =>
  directories.every((path) => lstatSync(path).isDirectory());

/** An object's file, open: what is read is one version of it, whatever is put meanwhile. */
export interface OpenObject {
  readonly fd: number;
  readonly stat: BigIntStats;
}

/** @returns null as `statObject` does; else who calls closes the file */
export function openObject(folder: string, key: string, file: string): OpenObject | null {
  if (statObject(folder, key, file) === null) return null;
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  try {
    return { fd, stat: fstatSync(fd, { bigint: true }) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Hashes piece by piece: a foreign file may be larger than memory. */
export async function md5OfFile(fd: number): Promise<string> {
  const hash = createHash('md5');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ;) {
    const { bytesRead } = await readInto(fd, chunk, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
}
