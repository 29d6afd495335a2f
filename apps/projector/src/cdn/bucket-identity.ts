import { createHash } from 'node:crypto';
import { hasCode, HoldfastError, type ObjectStore, sha256Of } from '@holdfast/domain';

/** Constant bytes per log: they say whose bucket it is, and tell a prober that the CDN serves it. */
const PROBE_KEY = '.holdfast/probe.json';
const probeOf = (logId: string): Buffer => Buffer.from(`${JSON.stringify({ holdfast: 'probe', logId })}\n`);

/**
 * Whether the bucket is this log's. A bucket is claimed before the first object is put into it, so that
 * two logs never write into one.
 */
export class BucketIdentity {
  readonly #bucket: ObjectStore;
  readonly #logId: string;
  readonly #onUnclaimed: () => Promise<unknown>;
  #claimed: Promise<void> | null = null;

  /** @param onUnclaimed  done before a bucket that nobody has claimed is claimed, and again if that did not succeed */
  constructor(bucket: ObjectStore, logId: string, onUnclaimed: () => Promise<unknown>) {
    this.#bucket = bucket;
    this.#logId = logId;
    this.#onUnclaimed = onUnclaimed;
  }

  /**
   * Looks and writes nothing.
   * @returns false where nobody has claimed the bucket yet
   * @throws LOG_MISMATCH, OBJECT_STORE_UNAVAILABLE
   */
  async check(): Promise<boolean> {
    let found: Uint8Array;
    try {
      found = (await this.#bucket.get(PROBE_KEY)).body;
    } catch (error) {
      if (hasCode(error, 'OBJECT_NOT_FOUND')) return false;
      throw error;
    }
    if (!probeOf(this.#logId).equals(found)) throw otherLog(this.#logId, found);
    return true;
  }

  /**
   * To be awaited before each write; asks the bucket only the first time, and again after `doubt`.
   * @throws LOG_MISMATCH, OBJECT_STORE_UNAVAILABLE, DISK_FULL
   */
  async claim(): Promise<void> {
    this.#claimed ??= this.#claim();
    try {
      await this.#claimed;
    } catch (error) {
      this.#claimed = null;
      throw error;
    }
  }

  /** The bucket was away: another may have come back in its place. */
  doubt(): void {
    this.#claimed = null;
  }

  async #claim(): Promise<void> {
    if (await this.check()) return;
    await this.#onUnclaimed();
    const bytes = probeOf(this.#logId);
    try {
      await this.#bucket.put(PROBE_KEY, bytes, {
        contentType: 'application/json',
        cacheControl: 'no-cache',
        md5: createHash('md5').update(bytes).digest('hex'),
        metadata: { sha256: sha256Of(bytes), 'holdfast-log': this.#logId },
        ...((await this.#bucket.capabilities()).putIfNone ? { ifNoneMatch: '*' as const } : {}),
      });
    } catch (error) {
      if (!hasCode(error, 'OBJECT_PRECONDITION_FAILED')) throw error;
    }
    // Another process may have been a moment earlier, or its answer later than ours.
    await this.check();
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
