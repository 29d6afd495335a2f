import { createHash } from 'node:crypto';
import { compareUtf8 } from '../content/path.ts';
import { HoldfastError } from '../errors.ts';
import type {
  DeleteFailure,
  ListedObject,
  ObjectHead,
  ObjectStore,
  ObjectStoreCapabilities,
  PutOptions,
  StoredObject,
} from '../ports/object-store.ts';

interface KeptObject {
  readonly head: ObjectHead;
  readonly modifiedMs: number;
  readonly body: Uint8Array;
}

/** A bucket in this process; bytes and metadata are copied on their way in and out, as any real store does. */
export class MemoryObjectStore implements ObjectStore {
  readonly settleMs: number = 0;
  readonly reservedKeyBytes = 0;
  readonly objectsPerList = 1_000;
  readonly #objects = new Map<string, KeptObject>();
  #isClosed = false;

  capabilities(): Promise<ObjectStoreCapabilities> {
    return Promise.resolve({ etagIsMd5: true, putIfNone: true, putIfMatch: true });
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<StoredObject> {
    return this.#answer(options.signal, () => {
      const etag = createHash('md5').update(bytes).digest('hex');
      if (etag !== options.md5) throw hashMismatch(key, options.md5, etag);
      const found = this.#objects.get(key)?.head ?? null;
      const { ifMatch, ifNoneMatch } = options;
      if ((ifMatch !== undefined && found?.etag !== ifMatch) || (ifNoneMatch === '*' && found !== null)) {
        throw preconditionFailed(key, found?.etag ?? null);
      }
      const { contentType, cacheControl, metadata } = options;
      const head = { key, bytes: bytes.length, etag, contentType, cacheControl, metadata };
      const storedMs = Date.now();
      this.#objects.set(key, { head: copy(head), modifiedMs: storedMs, body: Uint8Array.from(bytes) });
      return { key, bytes: bytes.length, etag, storedMs };
    });
  }

  get(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectHead & { body: Uint8Array }> {
    return this.#answer(options.signal, () => {
      const found = this.#objects.get(key);
      if (found === undefined) throw objectNotFound(key);
      return { ...copy(found.head), body: Uint8Array.from(found.body) };
    });
  }

  head(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectHead | null> {
    return this.#answer(options.signal, () => {
      const found = this.#objects.get(key);
      return found === undefined ? null : copy(found.head);
    });
  }

  list(options: {
    prefix: string;
    after: string | null;
    maxCount: number;
    signal?: AbortSignal;
  }): Promise<{ objects: ListedObject[]; next: string | null }> {
    const { prefix, after, maxCount, signal } = options;
    return this.#answer(signal, () => {
      const matching = [...this.#objects.values()]
        .map(({ head: { key, bytes, etag }, modifiedMs }) => ({ key, bytes, etag, modifiedMs }))
        .filter(({ key }) => !key.startsWith('.') && key.startsWith(prefix))
        .filter(({ key }) => after === null || compareUtf8(key, after) > 0)
        .sort((left, right) => compareUtf8(left.key, right.key));
      const objects = matching.slice(0, maxCount);
      return { objects, next: matching.length > maxCount ? (objects.at(-1)?.key ?? null) : null };
    });
  }

  deleteMany(keys: readonly string[], options: { signal?: AbortSignal } = {}): Promise<DeleteFailure[]> {
    return this.#answer(options.signal, () => {
      for (const key of keys) this.#objects.delete(key);
      return [];
    });
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  /** Never in the same turn: callers that only work with an immediate answer are found out. */
  async #answer<T>(signal: AbortSignal | undefined, run: () => T): Promise<T> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#isClosed) throw unavailable('it is closed');
    if (signal?.aborted === true) throw unavailable('the request was given up');
    return run();
  }
}

const copy = (head: ObjectHead): ObjectHead => JSON.parse(JSON.stringify(head)) as ObjectHead;

const unavailable = (why: string): HoldfastError =>
  new HoldfastError('OBJECT_STORE_UNAVAILABLE', `The memory bucket does not answer: ${why}.`);

const objectNotFound = (key: string): HoldfastError =>
  new HoldfastError('OBJECT_NOT_FOUND', `There is no object ${key} in the memory bucket.`, {
    context: { key },
  });

const preconditionFailed = (key: string, etag: string | null): HoldfastError =>
  new HoldfastError(
    'OBJECT_PRECONDITION_FAILED',
    `${key} was not stored in the memory bucket: its ETag is ${etag ?? 'none, as there is no object'}.`,
    { context: { key, etag } },
  );

const hashMismatch = (key: string, expected: string, actual: string): HoldfastError =>
  new HoldfastError(
    'HASH_MISMATCH',
    `${key} was not stored in the memory bucket: its bytes have MD5 ${actual}, ${expected} was announced.`,
    { context: { key, expected, actual } },
  );
