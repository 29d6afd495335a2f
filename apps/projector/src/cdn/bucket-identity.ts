import { createHash } from 'node:crypto';
import { type Clock, hasCode, HoldfastError, type ObjectStore, sha256Of } from '@holdfast/domain';
import { PROBE_KEY, probeOf } from './probe-object.ts';

const ASK_AGAIN_MS = 5_000;

/**
 * Whether the bucket is this log's. A bucket is claimed before the first object is put into it, so that
 * two logs never write into one.
 */
export class BucketIdentity {
  readonly #bucket: ObjectStore;
  readonly #logId: string;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #onUnclaimed: () => Promise<unknown>;
  #claimed: Promise<void> | null = null;
  #claimedAt = Number.NEGATIVE_INFINITY;
  /** While it is being asked, which may take long, nobody asks again. */
  #isAsking = false;

  /** @param options.onUnclaimed  done before a bucket that nobody has claimed is claimed, and again if that did not succeed */
  constructor(
    bucket: ObjectStore,
    options: { logId: string; clock: Clock; signal: AbortSignal; onUnclaimed: () => Promise<unknown> },
  ) {
    const { logId, clock, signal, onUnclaimed } = options;
    this.#bucket = bucket;
    this.#logId = logId;
    this.#clock = clock;
    this.#signal = signal;
    this.#onUnclaimed = onUnclaimed;
  }

  /**
   * Looks and writes nothing.
   * @returns false where nobody has claimed the bucket yet
   * @throws LOG_MISMATCH, and why the bucket cannot be read
   */
  async check(): Promise<boolean> {
    let found: Uint8Array;
    try {
      found = (await this.#bucket.get(PROBE_KEY, { signal: this.#signal })).body;
    } catch (error) {
      if (hasCode(error, 'OBJECT_NOT_FOUND')) return false;
      throw error;
    }
    if (!probeOf(this.#logId).equals(found)) throw otherLog(this.#logId, found);
    return true;
  }

  /**
   * To be awaited before each write, and now and then; asks the bucket the first time, and again when that is some seconds ago:
   * a bucket may be swapped or emptied while this runs.
   * @throws LOG_MISMATCH, and why the bucket cannot be used
   */
  async claim(): Promise<void> {
    const agoMs = this.#clock.now().getTime() - this.#claimedAt;
    // The clock may have been set back.
    if (!this.#isAsking && (agoMs > ASK_AGAIN_MS || agoMs < 0)) this.#claimed = null;
    this.#claimed ??= this.#claim();
    try {
      await this.#claimed;
    } catch (error) {
      this.#claimed = null;
      throw error;
    }
  }

  /**
   * Reads and writes, to show that both work: a bucket that was away may come back as another, or emptied.
   * @throws LOG_MISMATCH, and why the bucket cannot be used
   */
  async prove(): Promise<void> {
    if (await this.check()) return this.#putProbe({});
    // What has to be done before a claim takes long, and is not to be done twice at once.
    if (!this.#isAsking) this.#claimed = null;
    await this.claim();
  }

  async #claim(): Promise<void> {
    this.#isAsking = true;
    try {
      await this.#checkOrClaim();
      this.#claimedAt = this.#clock.now().getTime();
    } finally {
      this.#isAsking = false;
    }
  }

  async #checkOrClaim(): Promise<void> {
    if (await this.check()) return;
    await this.#onUnclaimed();
    try {
      const { putIfNone } = await this.#bucket.capabilities({ signal: this.#signal });
      await this.#putProbe(putIfNone ? { ifNoneMatch: '*' } : {});
    } catch (error) {
      if (!hasCode(error, 'OBJECT_PRECONDITION_FAILED')) throw error;
    }
    // Another process may have been a moment earlier, or its answer later than ours.
    await this.check();
  }

  async #putProbe(condition: { ifNoneMatch?: '*' }): Promise<void> {
    const bytes = probeOf(this.#logId);
    await this.#bucket.put(PROBE_KEY, bytes, {
      contentType: 'application/json',
      cacheControl: 'no-cache',
      md5: createHash('md5').update(bytes).digest('hex'),
      metadata: { sha256: sha256Of(bytes), 'holdfast-log': this.#logId },
      ...condition,
      signal: this.#signal,
    });
  }
}

function otherLog(logId: string, found: Uint8Array): HoldfastError {
  const owner =
    /"logId":"([^"]{1,100})"/.exec(Buffer.from(found).toString())?.[1] ?? 'something that is no log';
  return new HoldfastError(
    'LOG_MISMATCH',
    `The bucket belongs to the log ${owner} (its ${PROBE_KEY} says so), but the event log is ${logId}. Nothing is written to it. Name this log's own bucket in HOLDFAST_BUCKET, or put the other log back; to give what is in the bucket to this log, delete that object.`,
    { context: { logId, found: owner } },
  );
}
