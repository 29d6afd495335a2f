import { resolve } from 'node:path';
import { isHoldfastError, parseDirectory } from '@holdfast/domain';
import { z } from 'zod';

export type BucketAddress =
  | {
      readonly kind: 'folder';
      /** Absolute; null: in the data directory. */
      readonly folder: string | null;
    }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Before every key, with its `/` at the end; empty: the whole bucket. */
      readonly prefix: string;
    };

const S3_ADDRESS = /^s3:\/\/([^/]*)(?:\/(.*))?$/s;
const S3_BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const IP_ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;
/** Of the 1,024 that a key has; the rest is for paths. */
const MAX_PREFIX_BYTES = 512;

/** Bytes of a key that are not there for a path. */
export const reservedKeyBytes = (address: BucketAddress): number =>
  address.kind === 's3' ? Buffer.byteLength(address.prefix) : 0;

export const bucketAddress = z.string().transform((text, context): BucketAddress => {
  if (text.startsWith('folder:')) {
    const folder = text.slice('folder:'.length);
    return { kind: 'folder', folder: folder === '' ? null : resolve(folder) };
  }
  const [, bucket, rest = ''] = S3_ADDRESS.exec(text) ?? [];
  const prefix = rest === '' || rest.endsWith('/') ? rest : `${rest}/`;
  const problem = bucket === undefined ? NEITHER : (findBucketProblem(bucket) ?? findPrefixProblem(prefix));
  if (bucket !== undefined && problem === null) return { kind: 's3', bucket, prefix };
  context.addIssue(problem ?? NEITHER);
  return z.NEVER;
});

const NEITHER =
  'is neither "folder:" (the bucket in the data directory), "folder:<directory>" nor "s3://<bucket>/<prefix>"';

function findBucketProblem(bucket: string): string | null {
  if (S3_BUCKET.test(bucket) && !bucket.includes('..') && !IP_ADDRESS.test(bucket)) return null;
  return 'does not name a bucket: 3 to 63 lower-case letters, digits, dots and hyphens, with a letter or digit at both ends, no two dots together, and no IP address';
}

/** A prefix is a directory of content paths, so that it and a path make a key like any other. */
function findPrefixProblem(prefix: string): string | null {
  if (prefix === '') return null;
  if (Buffer.byteLength(prefix) > MAX_PREFIX_BYTES) {
    return `has a prefix of more than ${MAX_PREFIX_BYTES} bytes, which leaves too little for paths`;
  }
  try {
    parseDirectory(prefix);
    return null;
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return `has a prefix that is no directory of paths: ${error.message}`;
  }
}
