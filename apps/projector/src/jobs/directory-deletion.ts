import type { Catalog, CatalogDocument } from '@holdfast/catalog';
import {
  type Clock,
  type CommandHandler,
  contentDecider,
  contentStream,
  derivedEventId,
  directoryDeletionParametersSchema,
  type EventStore,
  hasCode,
  isPositionAtOrAfter,
  parseDirectory,
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
 */
export const directoryDeletion =
  (ports: DirectoryDeletionPorts): RunJob =>
  async (run) => {
    const parameters = readParameters(run, directoryDeletionParametersSchema);
    const prefix = parseDirectory(parameters.directory);
    const counts = { deleted: 0, kept: 0 };
    for (let after: string | null = null; ;) {
      const page: CatalogDocument[] = ports.catalog.documents({ prefix, after, limit: PAGE });
      await inParallel(page, CONCURRENCY, async (document) => {
        const outcome = await deleteOne(document, run, parameters, ports);
        if (outcome !== null) counts[outcome] += 1;
      });
      run.signal.throwIfAborted();
      run.onProgress({ phase: 'deleting', done: counts.deleted, total: null });
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return counts;
      after = last.path;
    }
  };

/** @returns null where it was deleted already, by somebody else */
async function deleteOne(
  { path, status, version, position }: CatalogDocument,
  run: JobRun,
  parameters: { directory: string; reason: string; position: string },
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
