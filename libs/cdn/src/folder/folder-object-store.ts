import { closeSync, readFileSync } from 'node:fs';
import {
  type Clock,
  type DeleteFailure,
  HoldfastError,
  type ListedObject,
  type ObjectHead,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type PutOptions,
  type StoredObject,
  systemClock,
} from '@holdfast/domain';
import { bucketUnavailable, isUnreadable, translateBucketError } from './bucket-error.ts';
import { ChangeQueue } from './change-queue.ts';
import { Delete, makeChanges, Put } from './changes.ts';
import { describeObject, describeRead, type Described } from './describe-object.ts';
import { FolderHandle } from './folder-handle.ts';
import { md5Of, openObject } from './object-file.ts';
import { fileOfKey, requireFileOfKey } from './object-key.ts';
import { ListedRows } from './listed-rows.ts';
import type { ObjectRows } from './object-rows.ts';
import { KeyWalker } from './walk.ts';

type Copied = Parameters<ObjectRows['restamp']>[0][number];

/** How many objects of a page are looked at before others get their turn. */
const SLICE = 50;

/**
 * The embedded bucket: each object is a plain file at its key below a folder, so that the folder can be
 * compared, copied and served as it is. Safe for several processes. The folder is made on first use; when it
 * is gone later on, the bucket is unavailable until it is back. One file or directory in it that cannot be read is listed,
 * a directory by a key that ends in `/`; why is told to whoever asks for it.
 */
export class FolderObjectStore implements ObjectStore {
  /** A write ends with its process. */
  readonly settleMs = 0;
  readonly reservedKeyBytes = 0;
  readonly objectsPerList = SLICE;
  readonly #folder: string;
  readonly #requireRoom: () => void;
  readonly #handle: FolderHandle;
  readonly #queue: ChangeQueue;
  readonly #walker: KeyWalker;
  #isClosed = false;

  /**
   * @param options.folder       absolute
   * @param options.requireRoom  asked before each put; throws DISK_FULL
   */
  constructor(options: { folder: string; clock?: Clock; requireRoom?: () => void }) {
    const clock = options.clock ?? systemClock;
    this.#folder = options.folder;
    this.#requireRoom = options.requireRoom ?? (() => undefined);
    this.#handle = new FolderHandle(options.folder, clock);
    this.#queue = new ChangeQueue(async (changes) => makeChanges(changes, this.#folder, this.#handle.rows()));
    this.#walker = new KeyWalker(options.folder, () => clock.now());
  }

  capabilities(): Promise<ObjectStoreCapabilities> {
    return Promise.resolve({ etagIsMd5: true, putIfNone: true, putIfMatch: true });
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<StoredObject> {
    return this.#use(`to store ${key}`, options.signal, async () => {
      const file = requireFileOfKey(this.#folder, key);
      const md5 = md5Of(bytes);
      if (md5 !== options.md5) throw hashMismatch(key, this.#folder, options.md5, md5);
      this.#requireRoom();
      const put = new Put(key, file, bytes, options);
      await this.#queue.add(put);
      return { key, bytes: bytes.length, etag: md5, storedMs: put.storedMs };
    });
  }

  get(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectHead & { body: Uint8Array }> {
    return this.#use(`to read ${key}`, options.signal, () => {
      const rows = this.#handle.rows();
      const file = fileOfKey(this.#folder, key);
      for (;;) {
        const opened = file === null ? null : openObject(this.#folder, key, file);
        if (file === null || opened === null) throw objectNotFound(key, this.#folder);
        try {
          const body = readFileSync(opened.fd);
          // Hashed each time: what was damaged on disk has another ETag, and is nobody's any more.
          const described = describeRead(rows, this.#folder, key, file, opened, md5Of(body));
          if (described !== 'replaced') return { ...headOf(key, described), bytes: body.length, body };
        } finally {
          closeSync(opened.fd);
        }
      }
    });
  }

  head(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectHead | null> {
    return this.#use(`to look at ${key}`, options.signal, async () => {
      const described = await describeObject(this.#handle.rows(), this.#folder, key);
      return described === null ? null : headOf(key, described);
    });
  }

  list(options: {
    prefix: string;
    after: string | null;
    maxCount: number;
    signal?: AbortSignal;
  }): Promise<{ objects: ListedObject[]; next: string | null }> {
    const { prefix, after, maxCount, signal } = options;
    return this.#use('to list objects', signal, async () => {
      const rows = this.#handle.rows();
      const objects: ListedObject[] = [];
      const copied: Copied[] = [];
      const listed = new ListedRows(rows, this.#folder, Math.min(maxCount, SLICE) + 1);
      let seen = 0;
      for await (const key of this.#walker.keys(prefix, after)) {
        if ((seen += 1) % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
        const object = await this.#listOne(key, rows, listed, copied);
        if (object === null) continue;
        if (objects.length === maxCount) {
          rememberCopies(rows, copied);
          return { objects, next: objects.at(-1)?.key ?? null };
        }
        objects.push(object);
      }
      rememberCopies(rows, copied);
      return { objects, next: null };
    });
  }

  deleteMany(keys: readonly string[], options: { signal?: AbortSignal } = {}): Promise<DeleteFailure[]> {
    return this.#use(`to delete ${keys.length} objects`, options.signal, async () => {
      const failures: DeleteFailure[] = [];
      const deletions = keys.map(async (key) => {
        try {
          await this.#queue.add(new Delete(key));
        } catch (error) {
          failures.push({ key, error: translateBucketError(error, this.#folder, `to delete ${key}`) });
        }
      });
      await Promise.all(deletions);
      return failures;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#queue.idle();
    this.#handle.close();
  }

  async #listOne(
    key: string,
    rows: ObjectRows,
    listed: ListedRows,
    copied: Copied[],
  ): Promise<ListedObject | null> {
    try {
      const asPut = listed.find(key);
      if (asPut !== null) return asPut;
      const described = await describeObject(rows, this.#folder, key);
      if (described === null) return null;
      const { bytes, md5: etag, modifiedMs, row, stamp } = described;
      if (row !== null && row.stamp !== stamp) copied.push({ key, md5: etag, stamp });
      return { key, bytes, etag, modifiedMs };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      // No put has that ETag: whoever compares asks for it, and is told why.
      return { key, bytes: 0, etag: 'unreadable', modifiedMs: null };
    }
  }

  async #use<T>(attempted: string, signal: AbortSignal | undefined, run: () => T | Promise<T>): Promise<T> {
    if (this.#isClosed) throw bucketUnavailable(this.#folder, attempted, 'it is closed.');
    if (signal?.aborted === true)
      throw bucketUnavailable(this.#folder, attempted, 'it was given up.', signal.reason);
    // Reads are synchronous calls: a loop of them would leave no turn to anybody else.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      return await run();
    } catch (error) {
      throw translateBucketError(error, this.#folder, attempted);
    }
  }
}

const headOf = (key: string, { row, md5, bytes }: Described): ObjectHead => ({
  key,
  bytes,
  etag: md5,
  contentType: row?.contentType ?? 'application/octet-stream',
  cacheControl: row?.cacheControl ?? null,
  metadata: row?.metadata ?? {},
});

function rememberCopies(rows: ObjectRows, copied: readonly Copied[]): void {
  try {
    rows.restamp(copied);
  } catch {
    // They are hashed again next time.
  }
}

const objectNotFound = (key: string, folder: string): HoldfastError =>
  new HoldfastError('OBJECT_NOT_FOUND', `There is no object ${key} in the folder bucket ${folder}.`, {
    context: { key },
  });

const hashMismatch = (key: string, folder: string, expected: string, actual: string): HoldfastError =>
  new HoldfastError(
    'HASH_MISMATCH',
    `${key} was not stored in the folder bucket ${folder}: its bytes have MD5 ${actual}, ${expected} was announced. Read the file again and repeat.`,
    { context: { key, expected, actual } },
  );
