import type { DueReplication } from '@holdfast/catalog';
import {
  type Clock,
  contentStream,
  type EventStore,
  hasCode,
  HoldfastError,
  type ObjectHead,
  type ObjectStore,
  type PutOptions,
  type Position,
  type StoredObject,
  sha256Of,
  toHoldfastError,
} from '@holdfast/domain';
import type { ContentReader } from '@holdfast/storage';
import type { BucketIdentity } from './bucket-identity.ts';
import { untilAnswered } from '../runtime/until-answered.ts';

/** How often an attempt looks at what is there before it leaves the rest to the schedule. */
const MAX_LOOKS = 3;

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
  | {
      readonly is: 'replicated';
      readonly sha256: string | null;
      readonly etag: string | null;
      /** Of a put that this attempt made. */
      readonly storedMs?: number | undefined;
    }
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

/**
 * Puts one document's local file into the bucket; never throws. May be done again at any time.
 * @param mustLook  whether an earlier attempt may have stored it already
 */
export async function putDocument(
  due: DueReplication,
  mustLook: boolean,
  ports: ReplicatePorts,
): Promise<Outcome> {
  try {
    const bytes = readLive(ports.content, due.path);
    const problem = findProblem(due, bytes);
    if (problem !== null) {
      // A newer version's file is there a moment before the index, or this process, knows of it.
      return (await findSuccessor(due, ports)) ?? { is: 'failed', error: problem };
    }
    await ports.identity.claim();
    return await putBytes(due, bytes!, mustLook, ports);
  } catch (error) {
    return { is: 'failed', error: toHoldfastError(error) };
  }
}

/** Over what the bucket is believed to hold; where it holds something else, it looks and decides again. */
async function putBytes(
  due: DueReplication,
  bytes: Uint8Array,
  mustLook: boolean,
  ports: ReplicatePorts,
): Promise<Outcome> {
  const { bucket, signal } = ports;
  let believed: { readonly etag: string | null } | null = due.onCdn;
  for (let looks = mustLook ? 1 : 0; ; looks += 1) {
    if (looks > 0) {
      const found = await bucket.head(due.path, { signal });
      if (found !== null && (await isReplica(found, due, ports))) {
        return { is: 'replicated', sha256: due.document!.sha256, etag: found.etag };
      }
      // What is there may be a newer version, put by another process.
      const superseded = await findSuccessor(due, ports);
      if (superseded !== null) return superseded;
      believed = found;
    }
    try {
      const conditions = await conditionsOf(believed, bucket, signal);
      const stored = await bucket.put(due.path, bytes, { ...optionsOf(due, ports), ...conditions, signal });
      return await verified(due, stored, ports);
    } catch (error) {
      // Somebody else's write, or one of ours that came late.
      if (!hasCode(error, 'OBJECT_PRECONDITION_FAILED') || looks >= MAX_LOOKS) throw error;
    }
  }
}

const optionsOf = (
  { version, document }: DueReplication,
  { cacheControl, logId }: ReplicatePorts,
): Pick<PutOptions, 'contentType' | 'cacheControl' | 'md5' | 'metadata'> => ({
  contentType: document!.contentType,
  cacheControl,
  md5: document!.md5,
  metadata: { sha256: document!.sha256, version: String(version), 'holdfast-log': logId },
});

async function conditionsOf(
  believed: { readonly etag: string | null } | null,
  bucket: ObjectStore,
  signal: AbortSignal,
): Promise<Pick<PutOptions, 'ifMatch' | 'ifNoneMatch'>> {
  const { putIfMatch, putIfNone } = await bucket.capabilities({ signal });
  if (believed === null) return putIfNone ? { ifNoneMatch: '*' } : {};
  return putIfMatch && believed.etag !== null ? { ifMatch: believed.etag } : {};
}

/** Whether an object is what this attempt would make of it. */
async function isReplica(found: ObjectHead, due: DueReplication, ports: ReplicatePorts): Promise<boolean> {
  const { contentType, cacheControl, md5, metadata } = optionsOf(due, ports);
  const { etagIsMd5 } = await ports.bucket.capabilities({ signal: ports.signal });
  return (
    found.bytes === due.document!.bytes &&
    (!etagIsMd5 || found.etag === md5) &&
    found.contentType === contentType &&
    found.cacheControl === cacheControl &&
    Object.entries(metadata).every(([name, value]) => found.metadata[name] === value)
  );
}

/** Compares what the bucket says it stored; the bytes themselves were checked by its side, against their MD5. */
async function verified(
  due: DueReplication,
  stored: StoredObject,
  { bucket, signal }: ReplicatePorts,
): Promise<Outcome> {
  const { sha256, md5, bytes } = due.document!;
  const { etagIsMd5 } = await bucket.capabilities({ signal });
  const isSame =
    stored.bytes === bytes &&
    (etagIsMd5
      ? stored.etag === md5
      : (await bucket.head(due.path, { signal }))?.metadata['sha256'] === sha256);
  return isSame
    ? { is: 'replicated', sha256, etag: stored.etag, storedMs: stored.storedMs ?? undefined }
    : { is: 'failed', error: storedOtherwise(due, stored) };
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

/** @returns null where this version is the newest still; superseded also when the signal aborted first */
async function findSuccessor(
  { path, version }: DueReplication,
  ports: ReplicatePorts,
): Promise<Outcome | null> {
  const last = await untilAnswered(ports, () =>
    ports.store.readStream(contentStream(path), { direction: 'backwards', maxCount: 1 }),
  );
  const newest = last?.[0];
  return newest?.version === version ? null : { is: 'superseded', by: newest?.position ?? null };
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
