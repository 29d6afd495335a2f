import type { DueReplication } from '@holdfast/catalog';
import {
  type Clock,
  contentStream,
  type EventStore,
  HoldfastError,
  type ObjectStore,
  type Position,
  type RecordedEvent,
  sha256Of,
  toHoldfastError,
} from '@holdfast/domain';
import type { ContentReader } from '@holdfast/storage';
import type { BucketIdentity } from './bucket-identity.ts';
import { untilAnswered } from '../runtime/until-answered.ts';

export type LocalFiles = Pick<ContentReader, 'recorded' | 'checkpoint' | 'openLive' | 'onChange'>;

export interface ReplicatePorts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly content: LocalFiles;
  readonly bucket: ObjectStore;
  readonly identity: BucketIdentity;
  readonly logId: string;
  readonly cacheControl: string;
  readonly signal: AbortSignal;
}

/** How an attempt ended. */
export type Outcome =
  | { readonly is: 'replicated'; readonly sha256: string | null; readonly etag: string | null }
  | { readonly is: 'failed'; readonly error: HoldfastError }
  /** A newer version takes its place, and nothing is recorded: of this position, where it is known. */
  | { readonly is: 'superseded'; readonly by: Position | null };

/**
 * Whether the local file is the version to replicate, as far as its index knows: to wait for it is no attempt.
 * @throws STORAGE_UNAVAILABLE, SCHEMA_TOO_NEW, DATABASE_CORRUPT
 */
export function isMaterialised(content: LocalFiles, due: DueReplication): boolean {
  return due.action === 'delete' || (content.recorded(due.path)?.version ?? -1) >= due.version;
}

/** Puts one document's local file into the bucket; never throws. May be done again at any time. */
export async function putDocument(due: DueReplication, ports: ReplicatePorts): Promise<Outcome> {
  try {
    const { content, bucket, identity, logId, cacheControl, signal } = ports;
    const { path, version, document } = due;
    if (document === null) throw new Error(`${path} is to be deleted, not put`);
    const bytes = readLive(content, path);
    const problem = findProblem(due, bytes);
    if (problem !== null) {
      // A newer version's file is there a moment before the index, or this process, knows of it.
      const newest = await findNewest(due, ports);
      if (newest?.version === version) return { is: 'failed', error: problem };
      return { is: 'superseded', by: newest?.position ?? null };
    }
    await identity.claim();
    const stored = await bucket.put(path, bytes!, {
      contentType: document.contentType,
      cacheControl,
      md5: document.md5,
      metadata: { sha256: document.sha256, version: String(version), 'holdfast-log': logId },
      signal,
    });
    const isSame =
      stored.bytes === document.bytes &&
      ((await bucket.capabilities({ signal })).etagIsMd5
        ? stored.etag === document.md5
        : (await bucket.head(path, { signal }))?.metadata['sha256'] === document.sha256);
    if (!isSame) return { is: 'failed', error: storedOtherwise(due, stored) };
    return { is: 'replicated', sha256: document.sha256, etag: stored.etag };
  } catch (error) {
    return { is: 'failed', error: toHoldfastError(error) };
  }
}

/** Deletes the objects of many documents at once; never throws. */
export async function deleteDocuments(
  batch: readonly DueReplication[],
  ports: ReplicatePorts,
): Promise<ReadonlyMap<DueReplication, Outcome>> {
  try {
    await ports.identity.claim();
    const keys = batch.map(({ path }) => path);
    const failures = await ports.bucket.deleteMany(keys, { signal: ports.signal });
    const failureOf = new Map(failures.map((failure) => [failure.key, failure]));
    return new Map(
      batch.map((due) => {
        const failure = failureOf.get(due.path);
        return [
          due,
          failure === undefined
            ? { is: 'replicated', sha256: null, etag: null }
            : { is: 'failed', error: failure.error },
        ];
      }),
    );
  } catch (error) {
    const known = toHoldfastError(error);
    return new Map(batch.map((due) => [due, { is: 'failed', error: known }]));
  }
}

function readLive(content: LocalFiles, path: string): Uint8Array | null {
  const file = content.openLive(path);
  try {
    return file?.read() ?? null;
  } finally {
    file?.close();
  }
}

function findProblem(
  { path, version, document }: DueReplication,
  bytes: Uint8Array | null,
): HoldfastError | null {
  if (bytes === null) {
    return new HoldfastError(
      'LOCAL_FILE_NOT_READY',
      `${path} (version ${version}) was not replicated: its local file is not there, though it was materialised. A replay brings it back.`,
      { context: { path, version } },
    );
  }
  const sha256 = sha256Of(bytes);
  if (sha256 === document?.sha256) return null;
  return new HoldfastError(
    'HASH_MISMATCH',
    `${path} (version ${version}) was not replicated: its local file has SHA-256 ${sha256}, version ${version} has ${document?.sha256}. Somebody changed the file; a replay brings it back.`,
    { context: { path, version, expected: document?.sha256, actual: sha256 } },
  );
}

/** @returns null when the signal aborted first */
async function findNewest({ path }: DueReplication, ports: ReplicatePorts): Promise<RecordedEvent | null> {
  const last = await untilAnswered(ports, () =>
    ports.store.readStream(contentStream(path), { direction: 'backwards', maxCount: 1 }),
  );
  return last?.[0] ?? null;
}

const storedOtherwise = (
  { path, version, document }: DueReplication,
  stored: { bytes: number; etag: string },
): HoldfastError =>
  new HoldfastError(
    'HASH_MISMATCH',
    `The bucket stored something else than ${path} (version ${version}): ${stored.bytes} bytes with ETag ${stored.etag} instead of ${document?.bytes} with MD5 ${document?.md5}.`,
    { context: { path, version, etag: stored.etag, bytes: stored.bytes } },
  );
