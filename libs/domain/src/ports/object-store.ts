import { type HoldfastError, isHoldfastError } from '../errors.ts';

export interface PutOptions {
  readonly contentType: string;
  readonly cacheControl: string | null;
  /** Lower-case hex. The store refuses bytes that have another: HASH_MISMATCH. */
  readonly md5: string;
  /** Names and values of ASCII; `sha256`, `version` and `holdfast-log` are the ones the projector sets. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Only over an object with this ETag; otherwise OBJECT_PRECONDITION_FAILED. */
  readonly ifMatch?: string;
  /** Only where no object is; otherwise OBJECT_PRECONDITION_FAILED. */
  readonly ifNoneMatch?: '*';
  readonly signal?: AbortSignal;
}

interface ObjectVersion {
  readonly key: string;
  readonly bytes: number;
  /** Without quotes. */
  readonly etag: string;
}

/**
 * A listing tells no headers, but when the object was last written: one written after our put has to be asked for.
 */
export interface ListedObject extends ObjectVersion {
  /** When it was written, in ms since 1970 by the store's own clock, perhaps rounded down; null: it does not say. */
  readonly modifiedMs: number | null;
}

export interface StoredObject extends ObjectVersion {
  /**
   * The most that a listing can say in `modifiedMs` of this put, by the same clock; whatever is written a second later
   * has more. Null: not known.
   */
  readonly storedMs: number | null;
}

export interface ObjectHead extends ObjectVersion {
  readonly contentType: string;
  readonly cacheControl: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What differs between stores, so that callers ask instead of knowing names. */
export interface ObjectStoreCapabilities {
  /** A put's ETag is the lower-case hex MD5 of its bytes. */
  readonly etagIsMd5: boolean;
  /** `ifNoneMatch` is honoured, atomically. */
  readonly putIfNone: boolean;
  /** `ifMatch` is honoured, atomically. */
  readonly putIfMatch: boolean;
}

export interface DeleteFailure {
  readonly key: string;
  readonly error: HoldfastError;
}

/**
 * Whether a write that failed with this may have been carried out all the same, or may still be within the
 * store's `settleMs`. Adapters say so by `outcome: 'unknown'` in the error's context; what no adapter foresaw counts too.
 */
export const mayHaveHappened = (error: unknown): boolean =>
  !isHoldfastError(error) || error.code === 'INTERNAL' || error.context['outcome'] === 'unknown';

/**
 * A bucket, or the part of one below a prefix: keys are content paths (and names beginning with `.`, which
 * are Holdfast's own).
 *
 * All methods may throw: OBJECT_STORE_UNAVAILABLE, OBJECT_STORE_TIMEOUT, OBJECT_STORE_THROTTLED,
 * BUCKET_CLOCK_SKEWED (transient), BUCKET_ACCESS_DENIED, BUCKET_NOT_FOUND, BUCKET_REGION_WRONG,
 * BUCKET_UNSUPPORTED, OBJECT_REJECTED, and where they write, DISK_FULL (exhausted).
 */
export interface ObjectStore {
  /**
   * Found by trying where no document says, which may write and delete below `.holdfast/`; kept once
   * known, found anew after a failure.
   */
  capabilities(options?: { signal?: AbortSignal }): Promise<ObjectStoreCapabilities>;
  /** How long a write that `mayHaveHappened` may still take effect. */
  readonly settleMs: number;
  /** Bytes that the prefix takes from the 1,024 of a key. */
  readonly reservedKeyBytes: number;
  /** How many objects a call of `list` should ask for: many where it takes a round trip, few where it takes the processor. */
  readonly objectsPerList: number;

  /**
   * Stores the whole object in one step, durably: a reader sees the old bytes or the new ones. May be called
   * more than once with the same arguments.
   * @returns what is stored, as the store itself says
   * @throws  HASH_MISMATCH, nothing is stored; OBJECT_PRECONDITION_FAILED
   */
  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<StoredObject>;

  /** @throws OBJECT_NOT_FOUND */
  get(key: string, options?: { signal?: AbortSignal }): Promise<ObjectHead & { body: Uint8Array }>;

  /** @returns null where there is no such object */
  head(key: string, options?: { signal?: AbortSignal }): Promise<ObjectHead | null>;

  /**
   * One page of keys in the order of their UTF-8 bytes; those beginning with `.` (Holdfast's own) are left out.
   * @param options.prefix  a string prefix: `a/` does not match `ab/`
   * @param options.after   exclusive; null from the first
   * @returns `next`: what to pass as `after` for the next page; null after the last
   */
  list(options: {
    prefix: string;
    after: string | null;
    maxCount: number;
    signal?: AbortSignal;
  }): Promise<{ objects: ListedObject[]; next: string | null }>;

  /**
   * Deletes objects; a missing one counts as deleted.
   * @param keys  at most 1,000
   * @returns     those that could not be deleted, each with why
   */
  deleteMany(keys: readonly string[], options?: { signal?: AbortSignal }): Promise<DeleteFailure[]>;

  close(): Promise<void>;
}

export const OBJECT_STORE = Symbol('ObjectStore');
