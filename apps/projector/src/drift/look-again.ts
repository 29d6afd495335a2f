import { createHash } from 'node:crypto';
import type { Catalog } from '@holdfast/catalog';
import {
  type Clock,
  type EventStore,
  type FoundObject,
  hasCode,
  HoldfastError,
  isContentPath,
  isHoldfastError,
  type LocalEntry,
  MAX_DOCUMENT_BYTES,
  type ObjectStore,
  type Position,
  toHoldfastError,
} from '@holdfast/domain';
import { type ContentReader, documentOf, generationRoot, type WalkThread } from '@holdfast/storage';
import { PROBE_KEY } from '../cdn/probe-object.ts';
import { inParallel } from '../runtime/in-parallel.ts';
import { replicationOf } from './expected.ts';

export interface LookPorts {
  readonly store: Pick<EventStore, 'head'>;
  readonly catalog: Pick<Catalog, 'document' | 'replication' | 'reached'>;
  readonly content: Pick<ContentReader, 'generation' | 'checkpoint' | 'recorded'>;
  readonly bucket: Pick<ObjectStore, 'head' | 'get'>;
  readonly thread: Pick<WalkThread, 'look'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly dataDir: string;
  readonly signal: AbortSignal;
}

/** What stands in both places, and a catalog that is not older than that. */
export interface SecondLook {
  /** Every content event up to here was on disk before the files were looked at. */
  readonly checkpoint: Position | null;
  /** Versions by document that were on disk before the files were looked at; whatever came later was perhaps not seen. */
  readonly onDisk: ReadonlyMap<string, number>;
  /** Versions by document that were settled before the bucket was asked. */
  readonly inBucket: ReadonlyMap<string, number>;
  readonly local: ReadonlyMap<string, LocalEntry | null>;
  /** An error where the bucket did not say. */
  readonly remote: ReadonlyMap<string, FoundObject | HoldfastError | null>;
}

const HEADS_AT_A_TIME = 16;
const DOWNLOADS_AT_A_TIME = 4;
/** Before what failed is asked for once more. */
const REST_MS = 500;
const LOG_PATIENCE_MS = 60_000;

/**
 * Looks at paths and keys now, and only then waits until the catalog reflects the log's head: whatever is found was
 * already in the log, so a difference from what the catalog then says is one.
 * @param question.download  whether the bytes of objects that may be documents are read and hashed too
 * @throws GENERATION_REPLACED, EVENT_STORE_UNAVAILABLE, CATALOG_LAGGING, STORAGE_UNAVAILABLE
 */
export async function lookAgain(
  ports: LookPorts,
  question: {
    generation: string;
    local: readonly string[];
    remote: readonly string[];
    download: boolean;
  },
): Promise<SecondLook> {
  const { store, catalog, content, signal } = ports;
  const { generation } = question;
  // Nearly always there is nothing to look at.
  const isAsked = question.local.length + question.remote.length > 0;
  const checkpoint = isAsked ? content.checkpoint() : null;
  const onDisk = versionsOnDisk(ports, question.local);
  const inBucket = versionsInBucket(ports, question.remote);
  const [local, remote] = await Promise.all([
    lookLocally(ports, generation, question.local),
    lookRemotely(ports, question.remote, question.download),
  ]);
  if (content.generation() !== generation) throw replaced(generation);
  if (isAsked) {
    await catalog.reached(await store.head(), { timeoutMs: LOG_PATIENCE_MS, signal });
  }
  return { checkpoint, onDisk, inBucket, local, remote };
}

function versionsOnDisk({ content }: LookPorts, paths: readonly string[]): Map<string, number> {
  const documents = new Set(paths.map(documentOf).filter((path) => path !== null));
  return new Map([...documents].map((path) => [path, content.recorded(path)?.version ?? -1]));
}

function versionsInBucket({ catalog }: LookPorts, keys: readonly string[]): Map<string, number> {
  const documents = keys.map((key) => catalog.document(key)).filter((document) => document !== null);
  const settled = documents.filter((document) => replicationOf(catalog, document) === 'settled');
  return new Map(settled.map(({ path, version }) => [path, version]));
}

async function lookLocally(
  { thread, dataDir }: LookPorts,
  generation: string,
  paths: readonly string[],
): Promise<Map<string, LocalEntry | null>> {
  const entries = await thread.look(generationRoot(dataDir, generation), paths);
  return new Map(paths.map((path, index) => [path, entries[index] ?? null]));
}

async function lookRemotely(
  ports: LookPorts,
  keys: readonly string[],
  download: boolean,
): Promise<Map<string, FoundObject | HoldfastError | null>> {
  const { bucket, signal } = ports;
  const found = new Map<string, FoundObject | HoldfastError | null>();
  const ask = download ? downloadOne : askForOne;
  // Who waits for each of many requests to time out waits for hours: the first that fails decides for all.
  let trial: Promise<HoldfastError | null> | null = null;
  let isAway: HoldfastError | null = null;
  await inParallel(keys, download ? DOWNLOADS_AT_A_TIME : HEADS_AT_A_TIME, async (key) => {
    signal.throwIfAborted();
    let answer = isAway ?? (await ask(bucket, key, signal).catch(toHoldfastError));
    if (isAway === null && isTransient(answer)) {
      isAway = await (trial ??= restAndTry(ports));
      if (isAway === null) answer = await ask(bucket, key, signal).catch(toHoldfastError);
    }
    found.set(key, answer);
  });
  return found;
}

const isTransient = (answer: FoundObject | HoldfastError | null): answer is HoldfastError =>
  isHoldfastError(answer) && answer.kind === 'transient';

/**
 * Tells a bucket that is away from one object's bad luck, after a short rest.
 * @returns why no object can be asked for; null: they can
 */
async function restAndTry({ bucket, clock, signal }: LookPorts): Promise<HoldfastError | null> {
  await clock.sleep(REST_MS, signal);
  signal.throwIfAborted();
  const answer = await askForOne(bucket, PROBE_KEY, signal).catch(toHoldfastError);
  return isTransient(answer) ? answer : null;
}

async function askForOne(
  bucket: LookPorts['bucket'],
  key: string,
  signal: AbortSignal,
): Promise<FoundObject | null> {
  const head = await bucket.head(key, { signal });
  return head === null ? null : { head, sha256: null };
}

/** Nothing that no document can be: the whole of it is in memory. */
async function downloadOne(
  bucket: LookPorts['bucket'],
  key: string,
  signal: AbortSignal,
): Promise<FoundObject | null> {
  const found = await askForOne(bucket, key, signal);
  if (found === null || found.head.bytes > MAX_DOCUMENT_BYTES || !isContentPath(key)) return found;
  try {
    const { body, ...head } = await bucket.get(key, { signal });
    return { head, sha256: createHash('sha256').update(body).digest('hex') };
  } catch (error) {
    if (hasCode(error, 'OBJECT_NOT_FOUND')) return null;
    throw error;
  }
}

const replaced = (generation: string): HoldfastError =>
  new HoldfastError(
    'GENERATION_REPLACED',
    `The scan ended early: a replay replaced generation ${generation} of the local files while they were compared. It begins again.`,
    { context: { generation } },
  );
