import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { generationIndexFile, type GenerationName } from './generations.ts';

/**
 * Whether the build of a generation that is not live came to its end: its index has a checkpoint. Only reads, and
 * leaves no file behind. An index that is damaged, or of a newer version, may have been finished, so it
 * counts as that.
 */
export function isFinished(dataDir: string, name: GenerationName): boolean {
  const file = generationIndexFile(dataDir, name);
  if (!existsSync(file)) return false;
  const url = pathToFileURL(file);
  // A build gets its first checkpoint into the main file, not only the WAL, when its index is closed at the end.
  url.searchParams.set('immutable', '1');
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(url, { readOnly: true });
    // Killed before its tables were made.
    if (db.prepare('PRAGMA user_version').get()?.['user_version'] === 0) return false;
    const row = db.prepare('SELECT checkpoint FROM generation').get();
    return typeof row?.['checkpoint'] === 'string';
  } catch {
    return true;
  } finally {
    db?.close();
  }
}
