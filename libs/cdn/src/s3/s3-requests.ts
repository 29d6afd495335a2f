import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import type {
  Clock,
  DeleteFailure,
  HoldfastError,
  ListedObject,
  ObjectHead,
  PutOptions,
  StoredObject,
} from '@holdfast/domain';
import { answerUnreadable, bucketUnsupported, translateS3Error } from './s3-error.ts';
import { PutObject } from './put-object.ts';
import { createS3Client, type S3ClientOptions } from './s3-client.ts';
import type { S3Call, S3Place } from './s3-place.ts';
import type { S3Transport } from './s3-transport.ts';

export interface PageRequest {
  readonly prefix: string;
  readonly after: string | null;
  /** 1 to 1,000. */
  readonly maxCount: number;
  /** Instead of `after`. */
  readonly token?: string | undefined;
}

export interface Page {
  /** In the order the server gave them. */
  readonly objects: ListedObject[];
  readonly isLast: boolean;
  /** To go on with where a page that is not the last has no objects. */
  readonly token: string | undefined;
}

/** AWS names those so that can neither be listed in order nor be used like any other bucket. */
const DIRECTORY_BUCKET = /--x-s3$/;

/** The requests of S3 that a replica needs: one method sends one. Keys are those below the prefix. */
export class S3Requests {
  readonly place: S3Place;
  readonly #client: S3Client;
  readonly #putObject: PutObject;
  readonly #clock: Clock;

  constructor(
    options: S3ClientOptions & Pick<S3Place, 'bucket' | 'prefix'>,
    parts: { transport: Pick<S3Transport, 'send'>; clock: Clock },
  ) {
    const { bucket, prefix, endpoint, region } = options;
    const { transport, clock } = parts;
    this.place = { bucket, prefix, endpoint, region };
    this.#client = createS3Client(options, transport, clock);
    this.#putObject = new PutObject(bucket, options, { client: this.#client, transport });
    this.#clock = clock;
  }

  /** @param options.ifMatch  as the server takes it, with or without quotes */
  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<StoredObject> {
    const { signal, ...headers } = options;
    const missing = options.ifMatch === undefined ? 'bucket' : 'condition';
    const call: S3Call = { attempted: `to store ${key}`, key, isWrite: true, missing };
    const { etag, date } = await this.#send(call, () =>
      this.#putObject.send(this.place.prefix + key, bytes, headers, signal),
    );
    return { key, bytes: bytes.length, etag: this.#etagOf(etag, call), storedMs: endOfSecond(date) };
  }

  async get(key: string, signal?: AbortSignal): Promise<ObjectHead & { body: Uint8Array }> {
    const call: S3Call = { attempted: `to read ${key}`, key, isWrite: false, missing: 'object' };
    const command = new GetObjectCommand(this.#object(key));
    return this.#send(call, async () => {
      const answer = await this.#client.send(command, giveUpWith(signal));
      const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      return { ...this.#headOf(key, { ...answer, ContentLength: body.length }, call), body };
    });
  }

  /** @throws OBJECT_NOT_FOUND, also where there is no bucket: an answer to HEAD cannot say which */
  async head(key: string, signal?: AbortSignal): Promise<ObjectHead> {
    const call: S3Call = { attempted: `to look at ${key}`, key, isWrite: false, missing: 'object' };
    const command = new HeadObjectCommand(this.#object(key));
    return this.#headOf(
      key,
      await this.#send(call, () => this.#client.send(command, giveUpWith(signal))),
      call,
    );
  }

  /** @throws BUCKET_NOT_FOUND */
  async requireBucket(signal?: AbortSignal): Promise<void> {
    const call: S3Call = { attempted: 'to look for it', isWrite: false, missing: 'bucket' };
    const command = new HeadBucketCommand({ Bucket: this.place.bucket });
    await this.#send(call, () => this.#client.send(command, giveUpWith(signal)));
  }

  async list({ prefix, after, maxCount, token }: PageRequest, signal?: AbortSignal): Promise<Page> {
    const call: S3Call = { attempted: 'to list objects', isWrite: false, missing: 'bucket' };
    const { place } = this;
    const command = new ListObjectsV2Command({
      Bucket: place.bucket,
      Prefix: place.prefix + prefix,
      ...(after === null ? {} : { StartAfter: place.prefix + after }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
      MaxKeys: maxCount,
      // Keys that others put there may have characters that XML cannot hold.
      EncodingType: 'url',
    });
    const answer = await this.#send(call, () => this.#client.send(command, giveUpWith(signal)));
    const read = answer.EncodingType === 'url' ? decodeKey : (key: string) => key;
    const objects = (answer.Contents ?? []).map(({ Key = '', Size = 0, ETag, LastModified }) => ({
      key: read(Key).slice(place.prefix.length),
      bytes: Size,
      etag: this.#etagOf(ETag, call),
      modifiedMs: LastModified?.getTime() ?? null,
    }));
    const isLast = answer.IsTruncated !== true;
    const next = answer.NextContinuationToken;
    if (!isLast && objects.length === 0 && (next === undefined || next === token)) {
      throw answerUnreadable(place, call, 'no keys and more to come');
    }
    return { objects, isLast, token: next };
  }

  /** @param keys  1 to 1,000 */
  async delete(keys: readonly string[], signal?: AbortSignal): Promise<DeleteFailure[]> {
    const call: S3Call = {
      attempted: `to delete ${keys.length} objects`,
      isWrite: true,
      missing: 'bucket',
    };
    const { bucket, prefix } = this.place;
    const command = new DeleteObjectsCommand({
      Bucket: bucket,
      Delete: { Objects: keys.map((key) => ({ Key: prefix + key })) },
    });
    const answer = await this.#send(call, () => this.#client.send(command, giveUpWith(signal)));
    const deleted = new Set((answer.Deleted ?? []).map(({ Key = '' }) => Key));
    const refused = new Map((answer.Errors ?? []).map(({ Key = '', ...why }) => [Key, why] as const));
    return keys
      .filter((key) => !deleted.has(prefix + key) && refused.get(prefix + key)?.Code !== 'NoSuchKey')
      .map((key) => ({ key, error: this.#deleteFailure(key, refused.get(prefix + key)) }));
  }

  translate(error: unknown, call: S3Call): HoldfastError {
    return translateS3Error(error, this.place, call, this.#clock.now());
  }

  #deleteFailure(
    key: string,
    why: { Code?: string | undefined; Message?: string | undefined } | undefined,
  ): HoldfastError {
    const call: S3Call = { attempted: `to delete ${key}`, key, isWrite: true, missing: 'object' };
    if (why === undefined) return answerUnreadable(this.place, call, 'nothing about this key');
    const { Code: name = 'Unknown', Message: message = '' } = why;
    const refusal = { name, message, $fault: 'server', $metadata: { httpStatusCode: 400 } };
    return this.translate(refusal, call);
  }

  async #send<T>(call: S3Call, run: () => Promise<T>): Promise<T> {
    if (DIRECTORY_BUCKET.test(this.place.bucket)) {
      throw bucketUnsupported(this.place, 'it is a directory bucket, which is listed in no order');
    }
    try {
      return await run();
    } catch (error) {
      throw this.translate(error, call);
    }
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.place.bucket, Key: this.place.prefix + key };
  }

  #headOf(
    key: string,
    answer: {
      ContentLength?: number | undefined;
      ETag?: string | undefined;
      ContentType?: string | undefined;
      CacheControl?: string | undefined;
      Metadata?: Record<string, string> | undefined;
    },
    call: S3Call,
  ): ObjectHead {
    return {
      key,
      bytes: answer.ContentLength ?? 0,
      etag: this.#etagOf(answer.ETag, call),
      contentType: answer.ContentType ?? 'application/octet-stream',
      cacheControl: answer.CacheControl ?? null,
      metadata: { ...answer.Metadata },
    };
  }

  #etagOf(header: string | undefined, call: S3Call): string {
    const etag = header?.replace(/^(?:W\/)?"|"$/g, '') ?? '';
    if (etag === '') throw answerUnreadable(this.place, call, 'no ETag');
    return etag;
  }
}

const giveUpWith = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { abortSignal: signal });

const decodeKey = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

/** A `Date` header knows no milliseconds, and the server writes it once it has stored what it answers for. */
function endOfSecond(date: string | undefined): number | null {
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? null : ms + 999;
}
