import { hash, randomUUID } from 'node:crypto';
import {
  type Clock,
  hasCode,
  isHoldfastError,
  type ObjectStoreCapabilities,
  type PutOptions,
} from '@holdfast/domain';
import { ThrottledRetry } from '../decorators/throttled-retry.ts';
import type { S3Requests } from './s3-requests.ts';

export interface S3Capabilities extends ObjectStoreCapabilities {
  /** How `If-Match` has to be sent: AWS compares with the quotes that the ETag header has, Ceph without. */
  readonly quotesIfMatch: boolean;
}

const NAMES = '.holdfast/ask/';

type Conditions = Pick<PutOptions, 'ifMatch' | 'ifNoneMatch'>;

/**
 * Finds out by trying, on objects of its own that it deletes again. A condition that a server does not know it
 * ignores, or refuses as a request: only where the right one passes and the wrong one fails is it honoured.
 */
export async function askCapabilities(requests: S3Requests, clock: Clock): Promise<S3Capabilities> {
  const question = new Question(requests, clock);
  try {
    const etag = await question.put('here', 'first');
    const putIfNone = (await question.answerTo('here', { ifNoneMatch: '*' })) === 'refused';
    const quotesIfMatch = await honoursIfMatch(question, 'quoted', (tag) => `"${tag}"`);
    const putIfMatch = quotesIfMatch || (await honoursIfMatch(question, 'bare', (tag) => tag));
    return { etagIsMd5: etag === hash('md5', 'first'), putIfNone, putIfMatch, quotesIfMatch };
  } finally {
    await question.forget();
  }
}

async function honoursIfMatch(
  question: Question,
  name: string,
  form: (etag: string) => string,
): Promise<boolean> {
  const ifMatch = form(await question.put(name, 'first'));
  if ((await question.answerTo(name, { ifMatch })) !== 'made') return false;
  return (await question.answerTo(name, { ifMatch })) === 'refused';
}

/** Some small objects. R2 takes one write of the same object in a second, so each step may have to wait. */
class Question {
  readonly #requests: S3Requests;
  readonly #clock: Clock;
  readonly #folder = `${NAMES}${randomUUID()}/`;
  readonly #keys = new Set<string>();

  constructor(requests: S3Requests, clock: Clock) {
    this.#requests = requests;
    this.#clock = clock;
  }

  /** @returns the ETag */
  async put(name: string, text: string, conditions: Conditions = {}): Promise<string> {
    const key = `${this.#folder}${name}`;
    const bytes = Buffer.from(text);
    const headers = { contentType: 'text/plain', cacheControl: 'no-store', metadata: {} };
    const options = { ...headers, ...conditions, md5: hash('md5', bytes) };
    const retry = new ThrottledRetry(this.#clock, Math.random, undefined);
    const { etag } = await retry.run(() => this.#requests.put(key, bytes, options));
    this.#keys.add(key);
    return etag;
  }

  /** What a conditional put of other bytes meets. */
  async answerTo(name: string, conditions: Conditions): Promise<'made' | 'refused' | 'not understood'> {
    try {
      await this.put(name, `other ${randomUUID()}`, conditions);
      return 'made';
    } catch (error) {
      if (hasCode(error, 'OBJECT_PRECONDITION_FAILED')) return 'refused';
      if (hasCode(error, 'OBJECT_REJECTED')) return 'not understood';
      throw error;
    }
  }

  /** What stays is out of the way, and small. */
  async forget(): Promise<void> {
    if (this.#keys.size === 0) return;
    try {
      await this.#requests.delete([...this.#keys]);
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
    }
  }
}
