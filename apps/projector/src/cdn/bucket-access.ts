import {
  type Clock,
  type EventStore,
  hasCode,
  type HoldfastError,
  type ObjectStore,
  toHoldfastError,
} from '@holdfast/domain';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { adopt, type AdoptPorts } from './adopt.ts';
import { BucketBreaker } from './breaker.ts';
import { BucketIdentity } from './bucket-identity.ts';
import { CdnAlert } from './cdn-alert.ts';
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
  readonly actor: string;
  readonly logId: string;
  /** It may be used, or used again. */
  readonly onOpen: () => void;
  readonly onFatal: (error: HoldfastError) => void;
  readonly countPending: () => number;
}

/** Whether the bucket is this log's and can be used now; says so in the log and to people when that changes. */
export class BucketAccess {
  readonly identity: BucketIdentity;
  readonly #ports: BucketAccessPorts;
  readonly #breaker: BucketBreaker;
  readonly #alert: CdnAlert;
  readonly #telling = new Set<Promise<void>>();

  constructor(ports: BucketAccessPorts) {
    const { bucket, logId, clock, signal, random, onFatal } = ports;
    this.#ports = ports;
    this.#alert = new CdnAlert(ports);
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
      this.#tell(this.#alert.clear());
    } catch (error) {
      if (hasCode(error, 'LOG_MISMATCH')) throw error;
      this.#breaker.open(toHoldfastError(error));
    }
  }

  /** Ends when all has been told. */
  async close(): Promise<void> {
    await Promise.all(this.#telling);
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

  #onDown(why: HoldfastError): void {
    const { log, countPending } = this.#ports;
    log.error({ code: why.code, ...why.context }, `Replication waits for the bucket: ${why.message}`);
    this.#tell(this.#alert.raise(why, countPending()));
  }

  #onBack(): void {
    this.#ports.log.info({}, 'The bucket can be used again; replication goes on.');
    this.#tell(this.#alert.clear());
    this.#ports.onOpen();
  }

  #tell(telling: Promise<void>): void {
    const told = telling
      .catch((error: unknown) => {
        const { code, message } = toHoldfastError(error);
        this.#ports.log.warn({ code }, `The state of the bucket could not be recorded: ${message}`);
      })
      .finally(() => this.#telling.delete(told));
    this.#telling.add(told);
  }
}
