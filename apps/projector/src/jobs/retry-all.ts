import type { Catalog, ReplicationRow, ReplicationsPage } from '@holdfast/catalog';
import {
  type Clock,
  derivedEventId,
  type EventStore,
  hasCode,
  type NewEvent,
  replicationStream,
} from '@holdfast/domain';
import { untilAnswered } from '../runtime/until-answered.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { type JobRun, metadataOf, type RunJob } from './job.ts';

export interface RetryAllPorts {
  readonly store: EventStore;
  readonly catalog: Pick<Catalog, 'replications' | 'replicationCounts'>;
  readonly clock: Clock;
}

const PAGE = 512;
const CONCURRENCY = 64;

/** FR-017: asks for another round of attempts for every dead letter, and for what waits for its next retry. */
export const retryAll =
  (ports: RetryAllPorts): RunJob =>
  async (run) => {
    // What an earlier run asked for is no dead letter any more, so it is not met again.
    let requested = run.job.progress?.done ?? 0;
    const { failed, 'dead-letter': deadLetters } = ports.catalog.replicationCounts();
    const total = requested + failed + deadLetters;
    for (let after: string | null = null; ;) {
      // Both at once: what fails for the last time meanwhile is not missed between two lists.
      const status = ['dead-letter', 'failed'] as const;
      const page: ReplicationsPage = ports.catalog.replications({ status, after, limit: PAGE });
      await inParallel(page.rows, CONCURRENCY, async (row) => {
        if (await requestRetry(row, run, ports)) requested += 1;
      });
      run.signal.throwIfAborted();
      run.onProgress({ phase: 'asking', done: requested, total: Math.max(requested, total) });
      if (page.next === null) return { requested };
      after = page.next;
    }
  };

/** @returns false where something else happened to the path meanwhile, which makes the request needless */
async function requestRetry(
  { path, version }: ReplicationRow,
  run: JobRun,
  ports: RetryAllPorts,
): Promise<boolean> {
  const { store, clock } = ports;
  const { signal } = run;
  const stream = replicationStream(path);
  const last = (
    await untilAnswered({ clock, signal }, () =>
      store.readStream(stream, { direction: 'backwards', maxCount: 1 }),
    )
  )?.[0];
  const hasFailed = last?.type === 'ReplicationDeadLettered' || last?.type === 'ReplicationFailed';
  if (!hasFailed || last.data.version !== version) return false;
  const event: NewEvent = {
    type: 'ReplicationRetryRequested',
    data: { path, version },
    id: derivedEventId('retry-all', run.job.id, path, String(last.version)),
    metadata: metadataOf(run, clock.now()),
  };
  try {
    return (
      (await untilAnswered({ clock, signal }, () => store.append(stream, [event], last.version))) !== null
    );
  } catch (error) {
    if (hasCode(error, 'STREAM_VERSION_CONFLICT')) return false;
    throw error;
  }
}
