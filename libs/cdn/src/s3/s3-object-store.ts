import { hash } from 'node:crypto';
import {
  type Clock,
  compareUtf8,
  type DeleteFailure,
  hasCode,
  type ListedObject,
  type ObjectHead,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type PutOptions,
  systemClock,
} from '@holdfast/domain';
import { askCapabilities, type S3Capabilities } from './ask-capabilities.ts';
import { S3Requests } from './s3-requests.ts';
import { createS3Client, type S3ClientOptions } from './s3-client.ts';
import { bucketUnsupported, hashMismatch } from './s3-error.ts';
import type { S3Call } from './s3-place.ts';
import { ExchangeFailed, S3Transport } from './s3-transport.ts';

export interface S3ObjectStoreOptions extends S3ClientOptions {
  readonly bucket: string;
  /** Before every key, with its `/` at the end; empty for the whole bucket. */
  readonly prefix: string;
  /** From the socket to the last byte of the answer. */
  readonly timeoutMs: number;
  /** How many requests are under way at most; others wait. */
  readonly maxSockets: number;
  /** Default 60,000: networks and proxies have forgotten a request by then. */
  readonly settleMs?: number;
  /** Requests are signed with its time. */
  readonly clock?: Clock;
}

const MAX_PAGE = 1_000;
/** The first key after all names that begin with a dot; nothing of ours has it itself. */
const AFTER_DOTS = '/';

/** A bucket of AWS S3, R2, MinIO, Ceph or any other server that speaks S3; docs/buckets.md says what it has to allow. */
export class S3ObjectStore implements ObjectStore {
  readonly settleMs: number;
  readonly reservedKeyBytes: number;
  readonly #requests: S3Requests;
  readonly #transport: S3Transport;
  #known: S3Capabilities | null = null;
  #asked: Promise<S3Capabilities> | null = null;

  constructor(options: S3ObjectStoreOptions) {
    const { bucket, prefix, endpoint, region, timeoutMs, maxSockets } = options;
    const clock = options.clock ?? systemClock;
    this.settleMs = options.settleMs ?? 60_000;
    this.reservedKeyBytes = Buffer.byteLength(prefix);
    this.#transport = new S3Transport({ timeoutMs, maxSockets });
    const client = createS3Client(options, this.#transport, clock);
    this.#requests = new S3Requests(
      { bucket, prefix, endpoint, region },
      { client, transport: this.#transport, clock },
    );
  }

  async capabilities(options: { signal?: AbortSignal } = {}): Promise<ObjectStoreCapabilities> {
    const { etagIsMd5, putIfNone, putIfMatch } = await this.#know(options.signal);
    return { etagIsMd5, putIfNone, putIfMatch };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<ListedObject> {
    const { ifMatch, ifNoneMatch, ...rest } = options;
    const md5 = hash('md5', bytes);
    if (md5 !== options.md5) throw hashMismatch(key, this.#requests.place, options.md5, md5);
    return this.#requests.put(key, bytes, rest, {
      ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
      ...(ifMatch === undefined ? {} : { ifMatch: await this.#ifMatchHeader(ifMatch, options.signal) }),
    });
  }

  get(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectHead & { body: Uint8Array }> {
    return this.#requests.get(key, options.signal);
  }

  async head(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectHead | null> {
    try {
      return await this.#requests.head(key, options.signal);
    } catch (error) {
      if (!hasCode(error, 'OBJECT_NOT_FOUND')) throw error;
      await this.#requests.requireBucket(options.signal);
      return null;
    }
  }

  /** A full page that ends before the names beginning with `.` may be followed by an empty one. */
  async list(options: {
    prefix: string;
    after: string | null;
    maxCount: number;
    signal?: AbortSignal;
  }): Promise<{ objects: ListedObject[]; next: string | null }> {
    const { prefix, maxCount, signal } = options;
    const objects: ListedObject[] = [];
    if (prefix.startsWith('.')) return { objects, next: null };
    for (let after = options.after; ;) {
      if (after?.startsWith('.') === true) after = AFTER_DOTS;
      const missing = Math.min(maxCount - objects.length, MAX_PAGE);
      const page = await this.#requests.list({ prefix, after, maxCount: missing, signal });
      this.#requireOrder(page.objects, after);
      objects.push(...page.objects.filter(({ key }) => key !== '' && !key.startsWith('.')));
      const last = page.objects.at(-1)?.key ?? null;
      if (page.isLast || last === null) return { objects, next: null };
      if (objects.length === maxCount) return { objects, next: last };
      after = last;
    }
  }

  async deleteMany(
    keys: readonly string[],
    options: { signal?: AbortSignal } = {},
  ): Promise<DeleteFailure[]> {
    return keys.length === 0 ? [] : this.#requests.delete(keys, options.signal);
  }

  close(): Promise<void> {
    this.#transport.close();
    return Promise.resolve();
  }

  async #ifMatchHeader(etag: string, signal: AbortSignal | undefined): Promise<string> {
    const { quotesIfMatch } = await this.#know(signal);
    return quotesIfMatch ? `"${etag}"` : etag;
  }

  /** Callers share one question; each gives up waiting for itself. */
  async #know(signal: AbortSignal | undefined): Promise<S3Capabilities> {
    if (this.#known !== null) return this.#known;
    this.#asked ??= askCapabilities(this.#requests).finally(() => {
      this.#asked = null;
    });
    const call: S3Call = { attempted: 'to find out what it can', isWrite: false, missing: 'bucket' };
    this.#known = await orGiveUp(this.#asked, signal, (reason) =>
      this.#requests.translate(new ExchangeFailed('given up', false, reason), call),
    );
    return this.#known;
  }

  #requireOrder(objects: readonly ListedObject[], after: string | null): void {
    let before = after;
    for (const { key } of objects) {
      if (before !== null && compareUtf8(before, key) >= 0) {
        throw bucketUnsupported(
          this.#requests.place,
          `it lists ${key} after ${before}, which is not the order of their bytes`,
        );
      }
      before = key;
    }
  }
}

function orGiveUp<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  toError: (reason: unknown) => Error,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(toError(signal.reason));
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
