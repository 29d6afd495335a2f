import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { generationIndexFile, listGenerations } from './generations.ts';

/**
 * The identities of the logs that generations in this data directory were built from, each once. Reads
 * only, and leaves no file behind: the directory may turn out to be another log's. An index that cannot be read is
 * left out; whoever opens it will say why.
 */
export function findLogIdentities(dataDir: string): string[] {
  const found = new Set<string>();
  for (const name of listGenerations(dataDir)) {
    const id = readLogIdentity(generationIndexFile(dataDir, name));
    if (id !== null) found.add(id);
  }
  return [...found];
}

/** An index gets its identity into the main file, not only the WAL, when it is made: so it can be read immutably. */
function readLogIdentity(file: string): string | null {
  if (!existsSync(file)) return null;
  const url = pathToFileURL(file);
  url.searchParams.set('immutable', '1');
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(url, { readOnly: true });
    const row = db.prepare('SELECT log_id AS logId FROM generation').get();
    return typeof row?.logId === 'string' ? row.logId : null;
  } catch {
    return null;
  } finally {
    db?.close();
  }
}
