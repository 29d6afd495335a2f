import { type EventStore, HoldfastError, isPositionAtOrAfter, type ReplayParameters } from '@holdfast/domain';
import {
  BulkTree,
  currentUser,
  type FileOperations,
  fileFailure,
  makeDirectories,
  nodeFileOperations,
  removeTree,
} from '@holdfast/storage';
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import { orAborted } from '../runtime/or-aborted.ts';
import { addCounts, type BuildCounts, documentsOf, type ReplayProgress } from './build-generation.ts';
import { collectDocuments, type DocumentWalk, unreadableContent } from './collect-documents.ts';

/**
 * Writes the tree as it was at a moment, or a part of it, to a directory of the operator's. It is built beside
 * that directory and takes its name as a whole at the end, so a run that was killed is simply begun again.
 * @param parameters.until  null: as of now
 * @throws OUT_DIRECTORY_INVALID, EVENT_UNREADABLE, DISK_FULL, STORAGE_UNAVAILABLE, EVENT_STORE_UNAVAILABLE
 */
export async function replayToDirectory(
  ports: { store: EventStore; catalog: DocumentWalk; dataDir: string; files?: FileOperations | undefined },
  parameters: ReplayParameters & { out: string },
  options: { onProgress: (progress: ReplayProgress) => void; signal: AbortSignal },
): Promise<BuildCounts> {
  const { store, catalog, dataDir } = ports;
  const files = ports.files ?? nodeFileOperations;
  const { out } = parameters;
  const { onProgress, signal } = options;
  const prefix = parameters.prefix ?? '';
  const until = parameters.until ?? { position: await store.head() };
  checkOut(out, dataDir);
  const building = join(dirname(out), `.${basename(out)}.holdfast-replay`);
  await removeTree(building);
  const counts: BuildCounts = { documents: 0, previous: 0, bytes: 0 };
  const tree = new BulkTree({ root: building, files: ports.files });
  try {
    files.makeDirectory(building);
    await orAborted(catalog.caughtUp(), signal);
    for await (const event of unreadableContent(ports, prefix)) {
      // When it was written cannot be read either, so by an instant every one counts.
      if ('instant' in until || isPositionAtOrAfter(until.position, event.position)) throw event.error;
    }
    let done = 0;
    const collecting = collectDocuments({
      store,
      catalog,
      prefix,
      until,
      signal,
      onPoison: ({ error }) => {
        throw error;
      },
    });
    for await (const { collected, walked } of collecting) {
      const documents = documentsOf(collected);
      addCounts(counts, documents);
      await tree.write(documents);
      done += walked;
      onProgress({ phase: 'building', done, total: null });
    }
    await tree.finish();
    files.rename(building, out);
    files.flushPath(dirname(out));
  } catch (error) {
    await tree.close();
    await removeTree(building).catch(() => undefined);
    if (error instanceof Error && error.name === 'AbortError') throw error;
    throw fileFailure(error, { attempted: 'replay to', file: out });
  }
  await tree.close();
  return counts;
}

function checkOut(out: string, dataDir: string): void {
  const refuse = (why: string, cause?: unknown): never => {
    throw new HoldfastError('OUT_DIRECTORY_INVALID', `Cannot replay to ${out}: ${why}.`, {
      context: { out },
      ...(cause === undefined ? {} : { cause }),
    });
  };
  if (!isAbsolute(out)) refuse('it is not absolute; name it from the root of the file system of the node');
  const parent = dirname(out);
  if (parent === out) refuse('it is the root of the file system');
  try {
    makeDirectories(parent);
    const [realOut, realData] = [join(realpathSync(parent), basename(out)), realpathSync(dataDir)];
    if (realOut === realData || realOut.startsWith(realData + sep)) refuse('it is inside the data directory');
    const stat = statSync(out, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isDirectory()) refuse('it is no directory');
    if (readdirSync(out).length > 0) refuse('it is not empty; name one that is empty or does not exist');
    if (stat.dev !== statSync(parent).dev) refuse('something is mounted there; name a directory below it');
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    refuse(`${currentUser()} cannot use it (${(error as Error).message})`, error);
  }
}
