import { hasCode, HoldfastError } from '@holdfast/domain';
import type { BatchDone } from '@holdfast/api/types';
import type { Context } from '../command.ts';
import { usageInvalid } from '../content-path.ts';
import { BatchStream } from './batch-stream.ts';
import { findChanges, findVanished } from './find-changes.ts';
import { Publication } from './publication.ts';
import { listPublished } from './server-documents.ts';
import type { Source } from './source.ts';

export interface PublishOptions {
  /** Empty, or a directory with its `/`. */
  readonly into: string;
  readonly isPruning: boolean;
  readonly isDryRun: boolean;
  readonly isOrdered: boolean;
  /** Told of each change as the server acknowledges it. */
  readonly onChange?: (action: 'published' | 'deleted', path: string) => void;
}

/**
 * Makes the server have what the source has: sends what differs, in one batch, and with pruning deletes what
 * the source does not have, after all else.
 * @returns what became of everything, and the last position of the batch
 * @throws  SERVER_UNREACHABLE; what was acknowledged until then is kept, and running again does the rest
 */
export async function publishSource(
  { client, output }: Context,
  source: Source,
  options: PublishOptions,
): Promise<{ publication: Publication; position: string | null }> {
  const { into, isPruning, isDryRun, isOrdered } = options;
  const publication = new Publication();
  const progress = output.progress();
  const showProgress = () =>
    progress.update(isDryRun ? 'compared' : 'published', publication.settled, source.count);
  const query = { ...(isDryRun ? { dryRun: true } : {}), ...(isOrdered ? { ordered: true } : {}) };
  const batch = new BatchStream(client, query, (result) => {
    publication.noteResult(result);
    if (result.ok && result.action !== 'unchanged') options.onChange?.(result.action, result.path);
    showProgress();
  });
  try {
    await sendChanges();
    if (isPruning) await sendDeletions();
    const done: BatchDone | null = await batch.finish();
    return { publication, position: done?.position ?? null };
  } catch (error) {
    throw hasCode(error, 'SERVER_UNREACHABLE') ? interrupted(error, publication) : error;
  } finally {
    progress.end();
  }

  async function sendChanges(): Promise<void> {
    let documents = 0;
    for await (const examined of findChanges(source.entries(), listPublished(client, into))) {
      switch (examined.kind) {
        case 'changed':
          await batch.send({ put: examined.path, text: examined.text });
          break;
        case 'unchanged':
          publication.noteUnchanged();
          break;
        case 'skipped':
          publication.noteSkipped(examined.path, examined.reason);
          break;
        case 'failed':
          publication.noteFailure(examined.path, examined.error);
          break;
      }
      if (examined.kind === 'changed' || examined.kind === 'unchanged') documents += 1;
      showProgress();
    }
    if (isPruning && documents === 0) throw nothingLeft();
  }

  async function sendDeletions(): Promise<void> {
    for await (const path of findVanished(source.entries(), listPublished(client, into))) {
      await batch.send({ delete: path });
    }
  }
}

/** An empty or unreadable source is rather a mistake than the wish to delete everything. */
const nothingLeft = (): HoldfastError =>
  usageInvalid(
    'No document of the source can be published, so --prune would delete everything; it deletes nothing. "holdfast delete" deletes a directory.',
  );

const interrupted = (error: HoldfastError, { published, deleted }: Publication): HoldfastError =>
  new HoldfastError(
    'SERVER_UNREACHABLE',
    `${error.message}\nWhat was acknowledged is kept (${published} published, ${deleted} deleted); run the same command again for the rest.`,
    { cause: error },
  );
