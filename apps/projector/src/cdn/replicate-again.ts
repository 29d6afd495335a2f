import type { Catalog } from '@holdfast/catalog';
import {
  type Clock,
  type ContentPath,
  type EventStore,
  newEventId,
  type NewEvent,
  type Position,
  replicationStream,
} from '@holdfast/domain';
import { inParallel } from '../runtime/in-parallel.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { untilAnswered } from '../runtime/until-answered.ts';

export interface ReplicateAgainPorts {
  readonly store: EventStore;
  readonly catalog: Pick<Catalog, 'documents' | 'reached'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  readonly signal: AbortSignal;
  readonly actor: string;
}

const PAGE = 512;
const CONCURRENCY = 64;

/**
 * For a bucket that is new, was emptied or took another's place: whatever the log believes to be in it is asked for
 * again, so that readers are sent to the local origin until it really is there. To be done before the bucket
 * is claimed, and done again from the start after a crash: what was asked for is no longer believed to be there.
 * @returns how many documents
 * @throws  an `AbortError` when the signal aborts first
 */
export async function replicateAgain(ports: ReplicateAgainPorts): Promise<number> {
  const { store, catalog, log, signal } = ports;
  const head = await untilAnswered(ports, () => store.head());
  signal.throwIfAborted();
  if (head === null) throw new Error('The log gave no head.');
  // A catalog that is being built again would believe in too little.
  await catalog.reached(head, { timeoutMs: Number.POSITIVE_INFINITY, signal });
  let asked = 0;
  let last: Position = head;
  for (let after: string | null = null; ;) {
    const page = catalog.documents({ prefix: '', after, limit: PAGE, status: 'published' });
    const believed = page.filter(({ onCdn }) => onCdn !== null);
    await inParallel(believed, CONCURRENCY, async ({ path, version }) => {
      const position = await ask(path, version, ports);
      if (position === null) return;
      asked += 1;
      if (position > last) last = position;
    });
    // The bucket must not be claimed with some of it still believed to be there.
    signal.throwIfAborted();
    after = page.at(-1)?.path ?? null;
    if (after === null) break;
  }
  if (asked > 0) {
    log.warn({ documents: asked }, 'The bucket is new or was emptied: every document is replicated again.');
    await catalog.reached(last, { timeoutMs: Number.POSITIVE_INFINITY, signal });
  }
  return asked;
}

async function ask(path: ContentPath, version: number, ports: ReplicateAgainPorts): Promise<Position | null> {
  const { store, clock, actor } = ports;
  const id = newEventId();
  const event: NewEvent = {
    type: 'ReplicationRetryRequested',
    data: { path, version },
    id,
    metadata: { correlationId: id, causationId: id, actor, at: clock.now().toISOString() },
  };
  const appended = await untilAnswered(ports, () => store.append(replicationStream(path), [event], 'any'));
  return appended?.position ?? null;
}
