import { type EventStore, HoldfastError, isOfOneStore, type Position } from '@holdfast/domain';
import { existsSync } from 'node:fs';
import type { ContentReader } from './content-reader.ts';
import { dataPaths } from './data-paths.ts';
import { findLogIdentities } from './log-identities.ts';

/** Whether there are files made from a log, so that a new one must not be begun. Reads only. */
export const holdsFilesOfALog = (dataDir: string): boolean =>
  existsSync(dataPaths(dataDir).generations) && findLogIdentities(dataDir).length > 0;

/**
 * A log that is gone while files made from it are there must not be begun anew: the files would be taken
 * for strangers'. Reads only.
 * @throws LOG_MISMATCH
 */
export function refuseMissingLog(dataDir: string, eventsFile: string): void {
  if (existsSync(eventsFile) || !existsSync(dataPaths(dataDir).generations)) return;
  const identities = findLogIdentities(dataDir);
  if (identities.length === 0) return;
  throw new HoldfastError(
    'LOG_MISMATCH',
    `The event log ${eventsFile} is missing, but ${dataDir} holds local files made from the log ${identities.join(', ')}. Put the log back, or restore it from a backup; to begin anew, use an empty data directory. Nothing was written.`,
    { context: { file: eventsFile, identities } },
  );
}

/**
 * Compares the local files with the log. To be asked at the start, before anything is appended: afterwards
 * an older log may have grown past what the files were made from.
 * @returns LOG_MISMATCH, or null where they belong together
 */
export async function findMismatch(ports: {
  dataDir: string;
  store: EventStore;
  reader: Pick<ContentReader, 'checkpoint'>;
}): Promise<HoldfastError | null> {
  const { dataDir, store, reader } = ports;
  const logId = await store.identity();
  const others = findLogIdentities(dataDir).filter((id) => id !== logId);
  if (others.length > 0) {
    return mismatch(
      `The local files in ${dataDir} were made from the log ${others.join(', ')}, not from ${logId}.`,
      { logId, others },
    );
  }
  // In this order: a log that grows meanwhile must not look as if it were behind.
  const checkpoint = checkpointOf(reader);
  const head = await store.head();
  // The log was copied to another store: the local projector goes through the files one by one.
  if (checkpoint === null || !isOfOneStore(checkpoint, head)) return null;
  if (checkpoint <= head) return null;
  return mismatch(
    `The local files in ${dataDir} are at position ${checkpoint}, the log ends at ${head}: an older log was put in its place.`,
    { logId, checkpoint, head },
  );
}

/** An index that cannot be read is the local projector's to mend. */
function checkpointOf(reader: Pick<ContentReader, 'checkpoint'>): Position | null {
  try {
    return reader.checkpoint();
  } catch {
    return null;
  }
}

const mismatch = (what: string, context: Record<string, unknown>): HoldfastError =>
  new HoldfastError(
    'LOG_MISMATCH',
    `${what} Nothing is written until this is resolved: put the right log back, or move generations/ and content away; then start again.`,
    { context },
  );
