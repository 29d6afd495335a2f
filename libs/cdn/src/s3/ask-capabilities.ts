import { hash, randomUUID } from 'node:crypto';
import { hasCode, isHoldfastError, type ObjectStoreCapabilities } from '@holdfast/domain';
import type { Conditions, S3Requests } from './s3-requests.ts';

export interface S3Capabilities extends ObjectStoreCapabilities {
  /** How `If-Match` has to be sent: AWS compares with the quotes that the ETag header has, Ceph without. */
  readonly quotesIfMatch: boolean;
}

const NAMES = '.holdfast/ask/';

/**
 * Finds out by trying, on an object of its own that it deletes again. What a server does not know it ignores,
 * or refuses as a request; only one that refuses the wrong and takes the right condition has understood it.
 */
export async function askCapabilities(requests: S3Requests): Promise<S3Capabilities> {
  const key = `${NAMES}${randomUUID()}.json`;
  const put = async (text: string, conditions?: Conditions): Promise<string> => {
    const bytes = Buffer.from(JSON.stringify(text));
    const options = {
      contentType: 'application/json',
      cacheControl: 'no-store',
      md5: hash('md5', bytes),
      metadata: {},
    };
    return (await requests.put(key, bytes, options, conditions)).etag;
  };
  /** Whether the put was made; what is neither made nor refused is no answer. */
  const isTaken = async (text: string, conditions: Conditions): Promise<boolean> => {
    try {
      await put(text, conditions);
      return true;
    } catch (error) {
      if (hasCode(error, 'OBJECT_PRECONDITION_FAILED') || hasCode(error, 'OBJECT_REJECTED')) return false;
      throw error;
    }
  };
  const honoursIfMatch = async (form: (etag: string) => string): Promise<boolean> => {
    const first = await put('first');
    if (!(await isTaken('second', { ifMatch: form(first) }))) return false;
    return !(await isTaken('third', { ifMatch: form(first) }));
  };

  const etag = await put('here');
  try {
    const putIfNone = !(await isTaken('there', { ifNoneMatch: '*' }));
    const quotesIfMatch = await honoursIfMatch((tag) => `"${tag}"`);
    const putIfMatch = quotesIfMatch || (await honoursIfMatch((tag) => tag));
    return { etagIsMd5: etag === hash('md5', Buffer.from('"here"')), putIfNone, putIfMatch, quotesIfMatch };
  } finally {
    await forget(requests, key);
  }
}

/** What stays is out of the way, and small. */
async function forget(requests: S3Requests, key: string): Promise<void> {
  try {
    await requests.delete([key]);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
  }
}
