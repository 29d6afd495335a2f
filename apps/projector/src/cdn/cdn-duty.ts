import type { Catalog } from '@holdfast/catalog';
import { type Clock, type HoldfastError, type TakeLock } from '@holdfast/domain';
import type { Failover } from '../failover/failover.ts';
import type { ProjectorStatus } from '../local/condition.ts';
import { LockHolder, untilAborted } from '../runtime/lock-holder.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import type { CdnProjector } from './cdn-projector.ts';
import type { Purging, PurgingStatus } from './purging.ts';

/** What works for the bucket while the lock is held: made anew each time, as nothing it knew still counts. */
export interface CdnWork {
  readonly projector: Pick<CdnProjector, 'start' | 'ended' | 'status' | 'close'>;
  readonly purging: Pick<Purging, 'status'>;
  /** Null where nobody is to switch the mode. */
  readonly failover: Pick<Failover, 'start' | 'close'> | null;
}

export interface CdnDutyPorts {
  readonly lock: TakeLock;
  readonly catalog: Pick<Catalog, 'checkpoint'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  readonly makeWork: () => CdnWork;
}

/**
 * The CDN projector, purges and failover of this process: they run where the one lock of the whole system is
 * held, and stand by elsewhere.
 */
export class CdnDuty {
  readonly #ports: CdnDutyPorts;
  readonly #holder: LockHolder;
  #work: CdnWork | null = null;
  #refused: string | null = null;

  constructor(ports: CdnDutyPorts) {
    this.#ports = ports;
    this.#holder = new LockHolder({ ...ports, what: 'CDN projector', work: (until) => this.#do(until) });
  }

  get isHeld(): boolean {
    return this.#holder.isHeld;
  }

  start(): void {
    this.#holder.start((error) => {
      this.refuse(error);
    });
  }

  /** Instead of `start`, where nothing may be written. */
  refuse({ code, message }: HoldfastError): void {
    this.#refused = `${code}: ${message}`;
    this.#ports.log.error({ code }, `The CDN projector stops: ${message}`);
  }

  status(): ProjectorStatus {
    if (this.#refused !== null) return this.#idle('stopped', this.#refused);
    if (this.#work !== null) return this.#work.projector.status();
    return this.#holder.why === null
      ? this.#idle('starting', null)
      : this.#idle('standing-by', this.#holder.why);
  }

  purgingStatus(): PurgingStatus {
    const off = {
      state: 'off',
      reason: 'The CDN projector does not run here.',
      pending: 0,
      oldestPendingAt: null,
      refused: 0,
    } as const;
    return this.#work?.purging.status() ?? off;
  }

  async close(): Promise<void> {
    await this.#holder.close();
  }

  async #do(until: AbortSignal): Promise<void> {
    const work = this.#ports.makeWork();
    this.#work = work;
    work.failover?.start();
    work.projector.start();
    await Promise.race([untilAborted(until), work.projector.ended]);
    await work.failover?.close();
    await work.projector.close();
    // One that gave up tells why until the process is started again.
    if (until.aborted) this.#work = null;
  }

  /** Whoever has nothing to do waits for no event. */
  #idle(state: ProjectorStatus['state'], reason: string | null): ProjectorStatus {
    const { checkpoint } = this.#ports.catalog;
    return { name: 'cdn', state, reason, checkpoint, pending: 0, oldestPendingAt: null };
  }
}
