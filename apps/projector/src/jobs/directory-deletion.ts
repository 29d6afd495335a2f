import type { Catalog, CatalogDocument } from '@holdfast/catalog';
import {
  type Clock,
  type CommandHandler,
  contentDecider,
  contentStream,
  derivedEventId,
  type DirectoryDeletionParameters,
  directoryDeletionParametersSchema,
  type EventStore,
  hasCode,
  HoldfastError,
  isPositionAtOrAfter,
  parseDirectory,
  type Position,
} from '@holdfast/domain';
import { untilAnswered } from '../runtime/until-answered.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { type JobRun, metadataOf, readParameters, type RunJob } from './job.ts';

export interface DirectoryDeletionPorts {
  readonly store: EventStore;
  readonly catalog: Pick<Catalog, 'documents'>;
  readonly commands: CommandHandler;
  readonly clock: Clock;
}

const PAGE = 512;
const CONCURRENCY = 64;

/**
 * FR-018: deletes every document below a directory that was published at or before the position the job
 * covers; what was published later stays. Counts `deleted` (also by earlier runs of the job) and `kept`.
 * @throws EVENT_UNREADABLE once all others are deleted, where the last event of a document cannot be read
 */
export const directoryDeletion =
  (ports: DirectoryDeletionPorts): RunJob =>
  async (run) => {
    const parameters = readParameters(run, directoryDeletionParametersSchema);
    const prefix = parseDirectory(parameters.directory);
    const counts = { deleted: 0, kept: 0 };
    const undeletable = { count: 0, first: null as HoldfastError | null };
    for (let after: string | null = null; ;) {
      const page: CatalogDocument[] = ports.catalog.documents({ prefix, after, limit: PAGE });
      const unreadable = new Map<string, HoldfastError>();
      await inParallel(page, CONCURRENCY, async (document) => {
        const outcome = await deleteReadable(document, run, parameters, ports);
        if (outcome instanceof Error) unreadable.set(document.path, outcome);
        else if (outcome !== null) counts[outcome] += 1;
      });
      run.signal.throwIfAborted();
      run.onProgress({ phase: 'deleting', done: counts.deleted, total: null });
      undeletable.count += unreadable.size;
      undeletable.first ??=
        page.map(({ path }) => unreadable.get(path)).find((error) => error !== undefined) ?? null;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      after = last.path;
    }
    if (undeletable.first !== null) throw notAllDeleted(prefix, counts, undeletable.count, undeletable.first);
    return counts;
  };

/** @returns as `deleteOne`; or the error, where nobody can say what the job would delete */
async function deleteReadable(
  document: CatalogDocument,
  run: JobRun,
  parameters: DirectoryDeletionParameters,
  ports: DirectoryDeletionPorts,
): Promise<'deleted' | 'kept' | HoldfastError | null> {
  try {
    return await deleteOne(document, run, parameters, ports);
  } catch (error) {
    if (!hasCode(error, 'EVENT_UNREADABLE')) throw error;
    // Whatever it is, what came after the position stays.
    const isCovered = isPositionAtOrAfter(parameters.position, error.context['position'] as Position);
    return isCovered ? error : 'kept';
  }
}

const notAllDeleted = (
  directory: string,
  { deleted, kept }: { deleted: number; kept: number },
  undeletable: number,
  first: HoldfastError,
): HoldfastError =>
  new HoldfastError(
    'EVENT_UNREADABLE',
    `Not all of ${directory} was deleted: ${deleted} documents were, ${kept} were published since and stay, and ${undeletable} could not be, as nobody can tell what they are now. The first: ${first.message} Then delete the directory again.`,
    { context: { ...first.context, directory, deleted, kept, undeletable }, cause: first },
  );

/** @returns null where it was deleted already, by somebody else */
async function deleteOne(
  { path, status, version, position }: CatalogDocument,
  run: JobRun,
  parameters: DirectoryDeletionParameters,
  ports: DirectoryDeletionPorts,
): Promise<'deleted' | 'kept' | null> {
  if (run.signal.aborted) return null;
  if (status === 'deleted') {
    return isPositionAtOrAfter(run.job.position, position) ? null : whoDeleted(path, run, ports);
  }
  if (!isPositionAtOrAfter(parameters.position, position)) return 'kept';
  const { clock } = ports;
  const directory = parseDirectory(parameters.directory);
  const { reason } = parameters;
  const precondition = { ifMatch: version, ifNoneMatch: false };
  const eventId = derivedEventId('directory-deletion', run.job.id, path, String(version));
  const metadata = metadataOf(run, clock.now());
  try {
    const handled = await untilAnswered({ clock, signal: run.signal }, () =>
      ports.commands.handle(
        contentStream(path),
        contentDecider,
        { type: 'DeleteContent', path, reason, directory, precondition },
        { metadata, eventId },
      ),
    );
    return handled === null ? null : 'deleted';
  } catch (error) {
    if (!hasCode(error, 'VERSION_MISMATCH')) throw error;
    return error.context['current'] === null ? whoDeleted(path, run, ports) : 'kept';
  }
}

/** `deleted` where this job did it: before a crash, or in an append whose answer was lost. */
async function whoDeleted(
  path: CatalogDocument['path'],
  { requested, signal }: JobRun,
  { store, clock }: DirectoryDeletionPorts,
): Promise<'deleted' | null> {
  const events = await untilAnswered({ clock, signal }, () =>
    store.readStream(contentStream(path), { direction: 'backwards', maxCount: 1 }),
  );
  return events?.[0]?.metadata.causationId === requested.id ? 'deleted' : null;
}
