import { type Clock, HoldfastError, type PurgeFailure, type Purger } from '@holdfast/domain';
import { judgeAnswer } from './cloudflare-answer.ts';
import { postJson } from './post-json.ts';

/** Where Cloudflare's API is for everybody. */
export const CLOUDFLARE_API_URL = 'https://api.cloudflare.com/client/v4';

export interface CloudflarePurgerOptions {
  /** The zone's id: 32 hex characters. */
  readonly zone: string;
  /** An API token with the permission Cache Purge for the zone; visible ASCII. */
  readonly token: { reveal(): string };
  /**
   * Web origins (`https://www.example.org`) whose pages fetch content. Cloudflare keeps a copy of its own for each
   * `Origin` header it has seen, and a purge of the URL alone leaves those copies; so each origin's is purged too.
   */
  readonly origins: readonly string[];
  readonly clock: Clock;
  /** Default CLOUDFLARE_API_URL. */
  readonly apiUrl?: string;
  /** After this long without a whole answer a call has failed. Default 30 s. */
  readonly timeoutMs?: number;
}

/** One entry of `files`: a URL, or the copy of it that was made for a web origin. */
interface File {
  readonly url: string;
  readonly origin: string | null;
}

/** The documents' limit for every plan but the largest; see the learning of `#purgeFiles` for accounts with less. */
const MAX_FILES = 100;
const TIMEOUT_MS = 30_000;

/**
 * Purges by URL through Cloudflare's API, in calls of as many files as one may have, one call at a time.
 *
 * A call that is refused as a whole is halved until the URL at fault is found; the others are purged.
 * @see https://developers.cloudflare.com/cache/how-to/purge-cache/purge-by-single-file/
 * @see https://developers.cloudflare.com/cache/how-to/purge-cache/#availability-and-limits
 */
export class CloudflarePurger implements Purger {
  readonly #endpoint: URL;
  readonly #zone: string;
  readonly #token: { reveal(): string };
  readonly #origins: readonly string[];
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #maxFiles = MAX_FILES;

  constructor(options: CloudflarePurgerOptions) {
    const { zone, token, origins, clock, apiUrl = CLOUDFLARE_API_URL, timeoutMs = TIMEOUT_MS } = options;
    this.#endpoint = new URL(`${apiUrl}/zones/${zone}/purge_cache`);
    this.#zone = zone;
    this.#token = token;
    this.#origins = origins;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  async purge(urls: readonly string[], options: { signal?: AbortSignal } = {}): Promise<PurgeFailure[]> {
    const files = urls.flatMap((url) => [null, ...this.#origins].map((origin) => ({ url, origin })));
    const failures = new Map<string, HoldfastError>();
    let rest = files;
    while (rest.length > 0) {
      const batch = rest.slice(0, this.#maxFiles);
      rest = rest.slice(batch.length);
      const failed = await this.#purgeFiles(batch, options.signal);
      const fault = failed.find(isNotRefusal)?.error;
      if (fault !== undefined) {
        failed.push(...failAll(rest, fault));
        rest = [];
      }
      for (const { url, error } of failed) failures.set(url, error);
    }
    return Array.from(failures, ([url, error]) => ({ url, error }));
  }

  async #purgeFiles(files: readonly File[], signal: AbortSignal | undefined): Promise<PurgeFailure[]> {
    const error = await this.#call(files, signal);
    if (error === null) return [];
    if (error.code !== 'PURGE_REFUSED' || files.length === 1) return failAll(files, error);
    const middle = Math.ceil(files.length / 2);
    const [left, right] = [files.slice(0, middle), files.slice(middle)];
    const failures = await this.#purgeFiles(left, signal);
    const fault = failures.find(isNotRefusal)?.error;
    failures.push(...(fault === undefined ? await this.#purgeFiles(right, signal) : failAll(right, fault)));
    // No file was at fault, so their number was: this account may name fewer in a call.
    if (failures.length === 0) this.#maxFiles = Math.min(this.#maxFiles, middle);
    return failures;
  }

  /** @returns null where the files are purged */
  async #call(files: readonly File[], signal: AbortSignal | undefined): Promise<HoldfastError | null> {
    const named = files.length === 1 ? files[0]?.url : `${files.length} cached files`;
    const what = `Purging ${named} (zone ${this.#zone}, ${this.#endpoint.host})`;
    const token = this.#token.reveal();
    const headers = { authorization: `Bearer ${token}` };
    try {
      const options = { headers, timeoutMs: this.#timeoutMs, signal };
      const answer = await postJson(this.#endpoint, { files: files.map(toEntry) }, options);
      // Whatever answers may repeat what it was sent.
      const text = answer.text.replaceAll(token, '***');
      return judgeAnswer(what, { ...answer, text }, this.#clock.now());
    } catch (error) {
      const message = `${what} failed: ${(error as Error).message}. It is tried again.`;
      return new HoldfastError('PURGE_UNAVAILABLE', message, { cause: error });
    }
  }
}

const isNotRefusal = ({ error }: PurgeFailure): boolean => error.code !== 'PURGE_REFUSED';

const failAll = (files: readonly File[], error: HoldfastError): PurgeFailure[] =>
  files.map(({ url }) => ({ url, error }));

const toEntry = ({ url, origin }: File): unknown =>
  origin === null ? url : { url, headers: { Origin: origin } };
