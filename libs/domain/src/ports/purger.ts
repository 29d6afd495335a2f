import type { HoldfastError } from '../errors.ts';

export interface PurgeFailure {
  readonly url: string;
  readonly error: HoldfastError;
}

/**
 * Makes a CDN forget what it has cached of URLs, so that the next reader gets what the bucket holds now.
 *
 * Purging may be repeated with the same URLs, also those that nobody has ever asked for. It never throws: a URL
 * counts as purged when it is not among the failures. The error of a failure says what to do:
 *
 * - PURGE_THROTTLED and PURGE_UNAVAILABLE (transient): try again, no sooner than `retryAfterMs` where the context
 *   has one. An outcome that is not known is one of these.
 * - PURGE_DENIED (denied): nothing can be purged before an operator has mended something.
 * - PURGE_REFUSED (rejected): this URL can never be purged; the others are not concerned.
 *
 * After one of the first three the rest is not tried any more and fails with the same error, so what is left
 * becomes less with every call that got something done.
 */
export interface Purger {
  /**
   * @param urls            absolute; any number, each once
   * @param options.signal  ends the call early; what was not confirmed until then fails with PURGE_UNAVAILABLE
   */
  purge(urls: readonly string[], options?: { signal?: AbortSignal }): Promise<PurgeFailure[]>;
}

export const PURGER = Symbol('Purger');

/** What an error says about when to try again; null where it says nothing. */
export function retryAfterMsOf(error: HoldfastError): number | null {
  const { retryAfterMs } = error.context;
  return typeof retryAfterMs === 'number' ? retryAfterMs : null;
}
