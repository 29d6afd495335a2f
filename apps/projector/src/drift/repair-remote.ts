import type { Catalog } from '@holdfast/catalog';
import {
  type Clock,
  type ContentPath,
  derivedEventId,
  type EventMetadata,
  type EventStore,
  type Finding,
  isAheadOfLog,
  isContentPath,
  type NewEvent,
  type ObjectStore,
  type Position,
  replicationStream,
  toHoldfastError,
} from '@holdfast/domain';
import { inParallel } from '../runtime/in-parallel.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { untilAnswered } from '../runtime/until-answered.ts';
import { unreadableStreams } from './expected.ts';

export interface RemoteRepairPorts {
  readonly store: EventStore;
  readonly catalog: Pick<Catalog, 'document' | 'replication' | 'reached' | 'onChange' | 'unreadable'>;
  readonly bucket: Pick<ObjectStore, 'head' | 'deleteMany'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  readonly logId: string;
  readonly scanId: string;
  readonly metadata: (now: Date) => EventMetadata;
  readonly signal: AbortSignal;
  /** How long is waited for the bucket's projector; what takes longer is found mended by the next scan. */
  readonly patience: Patience;
}

/** Once nothing came of a whole wait nobody replicates: the others are asked for, and not waited for. */
export class Patience {
  #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  get ms(): number {
    return this.#ms;
  }

  /** @param hasCome  whether anything was replicated before the time was over */
  isOver(hasCome: boolean): void {
    if (!hasCome) this.#ms = 0;
  }
}

interface Asked {
  readonly finding: Finding;
  readonly path: ContentPath;
  readonly version: number;
}

const CONCURRENCY = 16;

/**
 * Asks the CDN projector, which alone puts documents, for another round of each. A version that the log does not have is
 * left alone, as it may be the only copy (guarantee 7); so is what cannot be asked for.
 * @returns those that are in the bucket now
 */
export async function replicateAgain(
  findings: readonly Finding[],
  ports: RemoteRepairPorts,
): Promise<readonly Finding[]> {
  const asked = await leaveAhead(findings, ports);
  return untilReplicated(asked, await askAgain(asked, ports), ports);
}

/**
 * What the log has deleted goes as any deletion does; what it never had is deleted here, if it still carries this log's
 * mark.
 * @returns those that are gone, or wanted by now
 */
export async function deleteOrphans(
  findings: readonly Finding[],
  ports: RemoteRepairPorts,
): Promise<readonly Finding[]> {
  const asked = await leaveAhead(findings, ports);
  const settled = await untilReplicated(asked, await askAgain(asked, ports), ports);
  // By now: somebody may have published one of them while the others were waited for.
  const unknown = findings.filter((finding) => toAsk(finding, ports).length === 0);
  return [...settled, ...(await deleteUnknown(unknown, ports))];
}

/** The newest version of a document, which may be its deletion by now; what has no document is nobody's to ask for. */
function toAsk(finding: Finding, { catalog }: RemoteRepairPorts): Asked[] {
  const { path } = finding;
  const document = isContentPath(path) ? catalog.document(path) : null;
  return document === null ? [] : [{ finding, path: document.path, version: document.version }];
}

async function leaveAhead(findings: readonly Finding[], ports: RemoteRepairPorts): Promise<Asked[]> {
  const { bucket, log, logId, signal } = ports;
  const left = new Set<Asked>();
  const asked = findings.flatMap((finding) => toAsk(finding, ports));
  const present = asked.filter(({ finding }) => finding.outcome !== 'missing');
  await inParallel(present, CONCURRENCY, async (each) => {
    const { path, version } = each;
    try {
      const head = await bucket.head(path, { signal });
      if (head === null || !isAheadOfLog(head, { version, logId })) return;
      log.error(
        { path, version, inBucket: head.metadata['version'] },
        `${path} was left alone: the bucket has version ${head.metadata['version']} of it, and the log ends with ${version}, so it was put back from an older backup. Publish or delete ${path} again.`,
      );
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = toHoldfastError(error);
      log.error({ path, code }, `${path} was left alone, as the bucket did not say what it has: ${message}`);
    }
    left.add(each);
  });
  return asked.filter((each) => !left.has(each));
}

async function askAgain(asked: readonly Asked[], ports: RemoteRepairPorts): Promise<Position | null> {
  const { store, clock, signal, scanId, metadata } = ports;
  let last: Position | null = null;
  await inParallel(asked, CONCURRENCY, async ({ path, version }) => {
    const event: NewEvent = {
      type: 'ReplicationRetryRequested',
      data: { path, version },
      id: derivedEventId('drift-retry', scanId, path, String(version)),
      metadata: metadata(clock.now()),
    };
    const appended = await untilAnswered({ clock, signal }, () =>
      store.append(replicationStream(path), [event], 'any'),
    );
    if (appended !== null && (last === null || appended.position > last)) last = appended.position;
  });
  return last;
}

async function untilReplicated(
  asked: readonly Asked[],
  position: Position | null,
  { catalog, signal, patience }: RemoteRepairPorts,
): Promise<readonly Finding[]> {
  if (position === null) return [];
  await catalog.reached(position, { timeoutMs: Number.POSITIVE_INFINITY, signal });
  const isDone = ({ path, version }: Asked): boolean =>
    catalog.replication(path, version)?.status === 'success';
  const isWaiting = ({ path, version }: Asked): boolean =>
    catalog.replication(path, version)?.status === 'queued';
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const look = (): void => {
      if (!asked.some(isWaiting)) end();
    };
    const timer = setTimeout(() => {
      patience.isOver(asked.some(isDone));
      end();
    }, patience.ms);
    const stop = catalog.onChange(look);
    signal.addEventListener('abort', end);
    look();
  });
  signal.throwIfAborted();
  return asked.filter(isDone).map(({ finding }) => finding);
}

async function deleteUnknown(
  findings: readonly Finding[],
  ports: RemoteRepairPorts,
): Promise<readonly Finding[]> {
  const { bucket, catalog, store, log, logId, signal } = ports;
  const ours: Finding[] = [];
  const gone: Finding[] = [];
  const failed = new Set<string>();
  const fail = (key: string, error: unknown): void => {
    signal.throwIfAborted();
    const { code, message } = toHoldfastError(error);
    log.error({ key, code }, `${key} could not be deleted from the bucket: ${message}`);
    failed.add(key);
  };
  await inParallel(findings, CONCURRENCY, async (finding) => {
    try {
      const head = await bucket.head(finding.path, { signal });
      if (head === null) gone.push(finding);
      else if (head.metadata['holdfast-log'] === logId) ours.push(finding);
    } catch (error) {
      fail(finding.path, error);
    }
  });
  const unreadable = unreadableStreams(catalog);
  const isNobodys = (finding: Finding): boolean =>
    toAsk(finding, ports).length === 0 && !unreadable.has(`content-${finding.path}`);
  const keys = ours.filter(isNobodys).map(({ path }) => path);
  if (keys.length === 0) return gone;
  try {
    for (const { key, error } of await bucket.deleteMany(keys, { signal })) fail(key, error);
  } catch (error) {
    // Perhaps it was carried out all the same.
    for (const key of keys) fail(key, error);
  }
  // Somebody may have published one of them in the meantime, and what was deleted was its replica.
  await catalog.reached(await store.head(), { timeoutMs: Number.POSITIVE_INFINITY, signal });
  await askAgain(
    ours.flatMap((finding) => toAsk(finding, ports)),
    ports,
  );
  return [...gone, ...ours.filter(({ path }) => keys.includes(path) && !failed.has(path))];
}
