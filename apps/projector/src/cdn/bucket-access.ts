import {
  type Clock,
  type EventStore,
  hasCode,
  type HoldfastError,
  type ObjectStore,
  toHoldfastError,
} from '@holdfast/domain';
import type { AlertBoard } from '@holdfast/health';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { adopt, type AdoptPorts } from './adopt.ts';
import { BucketBreaker } from './breaker.ts';
import { BucketIdentity } from './bucket-identity.ts';
import { replicateAgain } from './replicate-again.ts';
import type { Settling } from './settling.ts';

export interface BucketAccessPorts {
  readonly bucket: ObjectStore;
  readonly store: EventStore;
  readonly catalog: AdoptPorts['catalog'];
  readonly settling: Settling;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly alerts: AlertBoard;
  readonly actor: string;
  readonly logId: string;
  /** It may be used, or used again. */
  readonly onOpen: () => void;
  readonly onFatal: (error: HoldfastError) => void;
  readonly countPending: () => number;
  /** Whether anybody is to be told: with the CDN disabled nothing waits for the bucket. */
  readonly isWanted: () => boolean;
}

const ALERT = { code: 'CDN_UNREACHABLE', subject: '-' } as const;
/** A probe object that was lost keeps readers at the local origin. */
const LOOK_EVERY_MS = 60_000;
/** One failed probe, or a restart of the bucket's server, is no reason to wake anybody. */
const RAISE_AFTER_MS = 15_000;
const RAISE_EVERY_MS = 5_000;
const BACK = 'The bucket can be used again; replication goes on.';

/** Whether the bucket is this log's and can be used now; says so in the log and to people when that changes. */
export class BucketAccess {
  readonly identity: BucketIdentity;
  readonly #ports: BucketAccessPorts;
  readonly #breaker: BucketBreaker;
  #downSince: Date | null = null;

  constructor(ports: BucketAccessPorts) {
    const { bucket, logId, clock, signal, random, onFatal } = ports;
    this.#ports = ports;
    this.identity = new BucketIdentity(bucket, {
      logId,
      clock,
      signal,
      onUnclaimed: async () => {
        await replicateAgain(ports);
        await adopt(ports);
      },
    });
    this.#breaker = new BucketBreaker({
      probe: () => this.#prove(),
      clock,
      signal,
      random,
      onOpen: (why) => {
        this.#onDown(why);
      },
      onClose: () => {
        this.#onBack();
      },
      onFatal,
    });
  }

  /** Why it cannot be used now; null while it can. */
  get why(): HoldfastError | null {
    return this.#breaker.why;
  }

  /**
   * Whether a failure is the bucket's and not the object's.
   * @throws LOG_MISMATCH
   */
  blames(error: HoldfastError): Promise<boolean> {
    return this.#breaker.blames(error);
  }

  /**
   * To be done before the first attempt: another log's bucket, or one that lost everything, is met at once.
   * @throws LOG_MISMATCH
   */
  async begin(): Promise<void> {
    try {
      if (!(await this.identity.check())) this.#ports.settling.liftWindow();
      await this.identity.claim();
      await this.#learn();
      this.#ports.alerts.clear(ALERT, BACK);
    } catch (error) {
      if (hasCode(error, 'LOG_MISMATCH')) throw error;
      this.#breaker.open(toHoldfastError(error));
    }
  }

  /**
   * Asks now and then whose the bucket is, until the signal aborts: while nobody publishes, a lost probe object would
   * not come back.
   * @throws LOG_MISMATCH
   */
  async lookRegularly(): Promise<void> {
    const { clock, signal, isWanted, alerts } = this.#ports;
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      if (this.why !== null || !isWanted()) continue;
      try {
        await this.identity.claim();
        // Whoever held the lock before may have raised it late.
        if (this.why === null) alerts.clear(ALERT, BACK);
      } catch (error) {
        if (hasCode(error, 'LOG_MISMATCH')) throw error;
        if (!signal.aborted) await this.blames(toHoldfastError(error));
      }
    }
  }

  async #prove(): Promise<void> {
    await this.identity.prove();
    await this.#learn();
  }

  async #learn(): Promise<void> {
    const { bucket, settling, signal } = this.#ports;
    const { putIfMatch, putIfNone } = await bucket.capabilities({ signal });
    settling.hasConditions = putIfMatch && putIfNone;
  }

  /** To be called when `isWanted` may have changed. */
  alert(): void {
    const { alerts, clock, countPending, isWanted } = this.#ports;
    const { why } = this;
    if (why === null || this.#downSince === null || !isWanted()) return;
    if (clock.now().getTime() - this.#downSince.getTime() < RAISE_AFTER_MS) return;
    alerts.raise({
      ...ALERT,
      severity: 'critical',
      message: `The bucket cannot be used, and replication waits: ${why.message}`,
      details: { code: why.code, pending: countPending() },
    });
  }

  #onDown(why: HoldfastError): void {
    const { log, clock } = this.#ports;
    log.error({ code: why.code, ...why.context }, `Replication waits for the bucket: ${why.message}`);
    // It has been down for another reason.
    if (this.#downSince !== null) return;
    this.#downSince = clock.now();
    void this.#alertWhileDown(this.#downSince);
  }

  /** What holds is said again and again, as every condition is: another process may have found it gone meanwhile. */
  async #alertWhileDown(since: Date): Promise<void> {
    const { clock, signal } = this.#ports;
    while (!signal.aborted && this.#downSince === since) {
      this.alert();
      await clock.sleep(RAISE_EVERY_MS, signal);
    }
  }

  #onBack(): void {
    this.#downSince = null;
    this.#ports.log.info({}, BACK);
    this.#ports.alerts.clear(ALERT, BACK);
    this.#ports.onOpen();
  }
}
