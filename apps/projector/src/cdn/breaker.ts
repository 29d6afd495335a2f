import { type Clock, type ErrorCode, type HoldfastError, toHoldfastError } from '@holdfast/domain';

export interface BreakerPorts {
  /** Uses the bucket once, reading and writing. @throws why it cannot be used */
  readonly probe: () => Promise<void>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** Also when it stays open for another reason. */
  readonly onOpen: (why: HoldfastError) => void;
  readonly onClose: () => void;
  /** A probe met what no waiting mends. */
  readonly onFatal: (error: HoldfastError) => void;
}

/** What may be wrong with the bucket as a whole, or with the way there, where something may refuse or change everything. */
const MAY_BE_THE_BUCKET: ReadonlySet<ErrorCode> = new Set([
  'OBJECT_STORE_UNAVAILABLE',
  'OBJECT_STORE_TIMEOUT',
  'OBJECT_STORE_THROTTLED',
  'BUCKET_ACCESS_DENIED',
  'BUCKET_CLOCK_SKEWED',
  'BUCKET_NOT_FOUND',
  'BUCKET_REGION_WRONG',
  'BUCKET_UNSUPPORTED',
  'OBJECT_REJECTED',
  'HASH_MISMATCH',
  // What no adapter foresaw: the service that gives out credentials is away, perhaps.
  'INTERNAL',
  'DISK_FULL',
]);
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * Tells a bucket that is down from one object's bad luck: after a failure that may be either, one probe decides
 * for all who ask meanwhile. While it is open nobody's attempts are used up; it probes on and closes by itself.
 */
export class BucketBreaker {
  readonly #ports: BreakerPorts;
  #why: HoldfastError | null = null;
  #trial: Promise<HoldfastError | null> | null = null;

  constructor(ports: BreakerPorts) {
    this.#ports = ports;
  }

  /** Why the bucket cannot be used now; null while it can. */
  get why(): HoldfastError | null {
    return this.#why;
  }

  /**
   * Whether this failure is the bucket's, so that it does not count against the object.
   * @throws what the probe met that no waiting mends
   */
  async blames(error: HoldfastError): Promise<boolean> {
    if (!MAY_BE_THE_BUCKET.has(error.code)) return false;
    if (this.#why !== null) return true;
    const problem = await this.#try();
    if (problem === null) return false;
    this.open(problem);
    return true;
  }

  /** To be called where it is known already that the bucket cannot be used. */
  open(why: HoldfastError): void {
    if (this.#why !== null || this.#ports.signal.aborted) return;
    this.#why = why;
    this.#ports.onOpen(why);
    void this.#untilClosed();
  }

  async #untilClosed(): Promise<void> {
    const { clock, signal, random, onOpen, onClose, onFatal } = this.#ports;
    for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      await clock.sleep(waitMs * (1 - random() / 2), signal);
      if (signal.aborted) return;
      const { code } = this.#why!;
      try {
        this.#why = await this.#try();
      } catch (error) {
        onFatal(toHoldfastError(error));
        return;
      }
      if (this.#why === null) {
        onClose();
        return;
      }
      if (this.#why.code !== code) onOpen(this.#why);
    }
  }

  #try(): Promise<HoldfastError | null> {
    this.#trial ??= this.#probe().finally(() => {
      this.#trial = null;
    });
    return this.#trial;
  }

  async #probe(): Promise<HoldfastError | null> {
    try {
      await this.#ports.probe();
      return null;
    } catch (error) {
      const problem = toHoldfastError(error);
      if (problem.kind === 'fatal' && problem.code !== 'INTERNAL') throw problem;
      return problem;
    }
  }
}
