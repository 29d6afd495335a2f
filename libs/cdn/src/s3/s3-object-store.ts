import { hash } from 'node:crypto';
import {
  type Clock,
  compareUtf8,
  type DeleteFailure,
  hasCode,
  type HoldfastError,
  isHoldfastError,
  type ListedObject,
  type ObjectHead,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type PutOptions,
  type StoredObject,
  systemClock,
} from '@holdfast/domain';
import { askCapabilities, type S3Capabilities } from './ask-capabilities.ts';
import { S3Requests } from './s3-requests.ts';
import type { S3ClientOptions } from './s3-client.ts';
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
  readonly objectsPerList = MAX_PAGE;
  readonly #requests: S3Requests;
  readonly #transport: S3Transport;
  readonly #clock: Clock;
  #known: S3Capabilities | null = null;
  #asked: Promise<S3Capabilities> | null = null;

  constructor(options: S3ObjectStoreOptions) {
    const { prefix, timeoutMs, maxSockets } = options;
    this.#clock = options.clock ?? systemClock;
    this.settleMs = options.settleMs ?? 60_000;
    this.reservedKeyBytes = Buffer.byteLength(prefix);
    this.#transport = new S3Transport({ timeoutMs, maxSockets });
    this.#requests = new S3Requests(options, { transport: this.#transport, clock: this.#clock });
  }

  async capabilities(options: { signal?: AbortSignal } = {}): Promise<ObjectStoreCapabilities> {
    const { etagIsMd5, putIfNone, putIfMatch } = await this.#know(options.signal);
    return { etagIsMd5, putIfNone, putIfMatch };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<StoredObject> {
    const { md5, ifMatch, signal } = options;
    const actual = hash('md5', bytes);
    if (actual !== md5) throw hashMismatch(key, this.#requests.place, md5, actual);
    const conditions = ifMatch === undefined ? {} : { ifMatch: await this.#quoted(ifMatch, signal) };
    const stored = await this.#requests.put(key, bytes, { ...options, ...conditions });
    // Anybody may make KMS the default of the bucket at any time: what was found out is not true any more.
    if (this.#known?.etagIsMd5 === true && stored.etag !== md5) this.#known = null;
    return stored;
  }

  /** Whatever is in between may answer 404 to everything: only in a bucket that is there, an object can be missing. */
  async get(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectHead & { body: Uint8Array }> {
    try {
      return await this.#requests.get(key, options.signal);
    } catch (error) {
      if (isHoldfastError(error) && isUnnamedMiss(error)) await this.#requests.requireBucket(options.signal);
      throw error;
    }
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
    let { after } = options;
    let token: string | undefined;
    for (;;) {
      if (after?.startsWith('.') === true) after = AFTER_DOTS;
      const left = Math.min(maxCount - objects.length, MAX_PAGE);
      const page = await this.#requests.list({ prefix, after, maxCount: left, token }, signal);
      this.#requireOrder(page.objects, after);
      objects.push(...page.objects.filter(({ key }) => key !== '' && !key.startsWith('.')));
      const last = page.objects.at(-1)?.key;
      if (page.isLast) return { objects, next: null };
      if (last !== undefined && objects.length === maxCount) return { objects, next: last };
      after = last ?? after;
      token = last === undefined ? page.token : undefined;
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

  async #quoted(etag: string, signal: AbortSignal | undefined): Promise<string> {
    const { quotesIfMatch } = await this.#know(signal);
    return quotesIfMatch ? `"${etag}"` : etag;
  }

  /** Callers share one question; each gives up waiting for itself. */
  async #know(signal: AbortSignal | undefined): Promise<S3Capabilities> {
    if (this.#known !== null) return this.#known;
    this.#asked ??= askCapabilities(this.#requests, this.#clock).finally(() => {
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

/** S3 says so by name in every answer that may have a body. */
const isUnnamedMiss = ({ code, context }: HoldfastError): boolean =>
  code === 'OBJECT_NOT_FOUND' && context['serverCode'] !== 'NoSuchKey';

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
