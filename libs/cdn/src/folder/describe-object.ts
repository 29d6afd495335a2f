import { closeSync } from 'node:fs';
import { md5OfFile, openObject, type OpenObject, requireReadable, statObject } from './object-file.ts';
import { fileOfKey } from './object-key.ts';
import { modifiedMsOf, type ObjectRow, type ObjectRows, stampOf } from './object-rows.ts';

/** What is at a key now. */
export interface Described {
  /** Headers and metadata it was put with; null for a foreign object, which somebody else put there. */
  readonly row: ObjectRow | null;
  readonly md5: string;
  readonly stamp: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/**
 * A row is the file's where the stamps match, or else (the bucket was copied) the bytes.
 * @param key  ends in `/` where a listing could not read a directory: why is thrown while that lasts
 * @returns null where there is no object
 */
export async function describeObject(
  rows: ObjectRows,
  folder: string,
  key: string,
): Promise<Described | null> {
  if (key.endsWith('/')) requireReadable(folder, key);
  const file = fileOfKey(folder, key);
  if (file === null) return null;
  for (;;) {
    const stat = statObject(folder, key, file);
    if (stat === null) return null;
    const row = rows.find(key);
    const stamp = stampOf(stat);
    if (row?.stamp === stamp) {
      return { row, md5: row.md5, stamp, bytes: Number(stat.size), modifiedMs: modifiedMsOf(stat) };
    }
    const opened = openObject(folder, key, file);
    if (opened === null) return null;
    try {
      const described = describeRead(rows, folder, key, file, opened, await md5OfFile(opened.fd));
      if (described !== 'replaced') return described;
    } finally {
      closeSync(opened.fd);
    }
  }
}

/**
 * For a file that was read.
 * @returns `replaced` where it cannot be said, as another object has taken its place meanwhile
 */
export function describeRead(
  rows: ObjectRows,
  folder: string,
  key: string,
  file: string,
  opened: OpenObject,
  md5: string,
): Described | 'replaced' {
  const stamp = stampOf(opened.stat);
  const bytes = Number(opened.stat.size);
  const modifiedMs = modifiedMsOf(opened.stat);
  const row = rows.find(key);
  if (row?.md5 === md5) return { row, md5, stamp, bytes, modifiedMs };
  // Another process shows a file a moment before it commits the row.
  return rows.alone(() => {
    const now = statObject(folder, key, file);
    if (now === null || stampOf(now) !== stamp) return 'replaced';
    const settled = rows.find(key);
    return { row: settled?.md5 === md5 ? settled : null, md5, stamp, bytes, modifiedMs };
  });
}
