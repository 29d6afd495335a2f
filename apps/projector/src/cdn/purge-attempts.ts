import { HoldfastError, type Purger } from '@holdfast/domain';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { PURGED_KEY } from './purge-checkpoint.ts';

/**
 * Purges what is left, and judges refusals. Where everything is refused, a URL that is certainly right decides
 * whether the URLs are at fault or the zone: a wrong zone must cost no URL its purge.
 */
export class PurgeAttempts {
  readonly #purger: Purger;
  readonly #log: ProjectorLog;
  #isZoneInDoubt = false;
  #refused = 0;

  constructor(purger: Purger, log: ProjectorLog) {
    this.#purger = purger;
    this.#log = log;
  }

  /** How many URLs can never be purged, since the start of this process. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Takes from `left` what is purged or never can be.
   * @returns why the rest has to wait; null where nothing is left
   */
  async purge(
    left: Map<string, unknown>,
    cdnBaseUrl: string,
    signal: AbortSignal,
  ): Promise<HoldfastError | null> {
    if (this.#isZoneInDoubt) {
      // One call, where the whole rest would be refused one by one.
      const fault = await this.#probe(cdnBaseUrl, signal);
      if (fault !== null) return fault;
    }
    const failures = await this.#purger.purge([...left.keys()], { signal });
    const errors = new Map(failures.map(({ url, error }) => [url, error]));
    const isSomePurged = errors.size < left.size;
    const refusals = failures.filter(({ error }) => error.code === 'PURGE_REFUSED');
    for (const url of [...left.keys()]) if (!errors.has(url)) left.delete(url);
    if (refusals.length > 0 && !isSomePurged) {
      const fault = await this.#probe(cdnBaseUrl, signal);
      if (fault !== null) return fault;
    }
    for (const { url, error } of refusals) {
      left.delete(url);
      this.#refused += 1;
      this.#log.warn({ url, code: error.code, ...error.context }, error.message);
    }
    return failures.find(({ error }) => error.code !== 'PURGE_REFUSED')?.error ?? null;
  }

  /** @returns why not even this can be purged */
  async #probe(cdnBaseUrl: string, signal: AbortSignal): Promise<HoldfastError | null> {
    const [failure] = await this.#purger.purge([`${cdnBaseUrl}/${PURGED_KEY}`], { signal });
    this.#isZoneInDoubt = failure?.error.code === 'PURGE_REFUSED';
    if (failure === undefined) return null;
    return this.#isZoneInDoubt ? allRefused(cdnBaseUrl, failure.error) : failure.error;
  }
}

const allRefused = (cdnBaseUrl: string, cause: HoldfastError): HoldfastError =>
  new HoldfastError(
    'PURGE_DENIED',
    `Nothing below ${cdnBaseUrl} can be purged, so what is to be purged waits: ${cause.message} Look whether HOLDFAST_PURGE names the zone of that host.`,
    { context: cause.context, cause },
  );
