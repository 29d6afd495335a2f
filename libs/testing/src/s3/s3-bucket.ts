import { randomUUID } from 'node:crypto';
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  type CreateBucketRequest,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { S3Server } from './s3-server.ts';

/** A bucket of one test. */
export interface S3Bucket {
  readonly name: string;
  /** For a look at what is in it that does not go through the code under test. */
  readonly client: S3Client;
  put(
    key: string,
    bytes: Uint8Array,
    options?: { contentType?: string; metadata?: Record<string, string> },
  ): Promise<void>;
  metadataOf(key: string): Promise<Record<string, string>>;
  /** Deletes one object. */
  delete(key: string): Promise<void>;
  /** Of every object below a prefix, by its key without that prefix; for small objects it is the MD5 in hex. */
  etags(prefix: string): Promise<Map<string, string>>;
  /** Deletes every object and the bucket. */
  remove(): Promise<void>;
}

/** Makes an empty bucket with a random name. */
export async function makeS3Bucket(server: S3Server): Promise<S3Bucket> {
  const name = `holdfast-test-${randomUUID()}`;
  const client = s3Client(server);
  await client.send(new CreateBucketCommand({ Bucket: name, ...location(server) }));
  return {
    name,
    client,
    put: async (Key, Body, { contentType: ContentType, metadata: Metadata } = {}) => {
      await client.send(new PutObjectCommand({ Bucket: name, Key, Body, ContentType, Metadata }));
    },
    metadataOf: async (Key) => {
      const { Metadata = {} } = await client.send(new HeadObjectCommand({ Bucket: name, Key }));
      return Metadata;
    },
    delete: async (Key) => {
      await client.send(new DeleteObjectCommand({ Bucket: name, Key }));
    },
    etags: async (prefix) => {
      const etags = new Map<string, string>();
      for await (const page of paginateListObjectsV2({ client }, { Bucket: name, Prefix: prefix })) {
        for (const { Key = '', ETag = '' } of page.Contents ?? []) {
          etags.set(Key.slice(prefix.length), ETag.replaceAll('"', ''));
        }
      }
      return etags;
    },
    remove: async () => {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: name })) {
        const Objects = Contents.map(({ Key }) => ({ Key }));
        if (Objects.length === 0) continue;
        const { Errors = [] } = await client.send(
          new DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } }),
        );
        if (Errors[0]) throw new Error(`Bucket ${name} could not be emptied: ${JSON.stringify(Errors[0])}`);
      }
      await client.send(new DeleteBucketCommand({ Bucket: name }));
      client.destroy();
    },
  };
}

/**
 * With settings that every S3-compatible server understands.
 * @param options.maxAttempts  1: no retries
 */
export function s3Client(
  { endpoint, region, accessKeyId, secretAccessKey }: S3Server,
  options: { readonly maxAttempts?: number } = {},
): S3Client {
  return new S3Client({
    ...options,
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

/** AWS makes buckets elsewhere than in us-east-1 only where the request says so; others know one place. */
function location({ endpoint, region }: S3Server): Pick<CreateBucketRequest, 'CreateBucketConfiguration'> {
  if (region === 'us-east-1' || !new URL(endpoint).hostname.endsWith('.amazonaws.com')) return {};
  return { CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint } };
}
