import { existsSync } from 'node:fs';
import { type EventStore, HoldfastError, isPositionAtOrAfter } from '@holdfast/domain';
import { type ContentReader, findLogIdentities } from '@holdfast/storage';

/**
 * A log that is gone while files made from it are there is not begun anew: that would make them strangers'.
 * @throws LOG_MISMATCH, before anything is written
 */
export function refuseMissingLog(dataDir: string, eventsFile: string): void {
  if (existsSync(eventsFile)) return;
  const identities = findLogIdentities(dataDir);
  if (identities.length === 0) return;
  throw new HoldfastError(
    'LOG_MISMATCH',
    `The event log ${eventsFile} is missing, but ${dataDir} holds local files made from the log ${identities.join(', ')}. Put the log back, or restore it from a backup; to begin anew, use an empty data directory. Nothing was written.`,
    { context: { file: eventsFile, identities } },
  );
}

/** @returns why what was made from another log, or from a later state of this one, must not be written to */
export async function findMismatch(
  dataDir: string,
  store: EventStore,
  content: Pick<ContentReader, 'checkpoint'>,
): Promise<HoldfastError | null> {
  const [logId, head] = [await store.identity(), await store.head()];
  const others = findLogIdentities(dataDir).filter((id) => id !== logId);
  if (others.length > 0) {
    return mismatch(
      `the local files in ${dataDir} were made from the log ${others.join(', ')}, not from ${logId}`,
    );
  }
  const checkpoint = checkpointOf(content);
  if (isPositionAtOrAfter(head, checkpoint)) return null;
  return mismatch(`the local files in ${dataDir} are at position ${checkpoint}, but the log ends at ${head}`);
}

/** An index that cannot be read is the local projector's to mend. */
function checkpointOf(content: Pick<ContentReader, 'checkpoint'>): string | null {
  try {
    return content.checkpoint();
  } catch {
    return null;
  }
}

const mismatch = (what: string): HoldfastError =>
  new HoldfastError(
    'LOG_MISMATCH',
    `Nothing is written, as ${what}. Put the right log back, or move generations/ and content away; then start again.`,
  );
