import {
  type Clock,
  hasCode,
  type HeldLock,
  type HoldfastError,
  type TakeLock,
  toHoldfastError,
} from '@holdfast/domain';
import type { ProjectorLog } from './projector-log.ts';

/** Within a minute of the holder's end another must have taken over. */
const TRY_AGAIN_MS = 3_000;

export interface LockHolderPorts {
  readonly lock: TakeLock;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  /** What is done under the lock, for messages: `CDN projector`. */
  readonly what: string;
  /** Does it until the signal aborts. Resolving before means that it will never be done again by this process. */
  readonly work: (until: AbortSignal) => Promise<void>;
}

/**
 * Does something as long as this process holds a lock, and stands by while another does. A lock that is lost ends the
 * work, which begins anew when the lock is had again.
 */
export class LockHolder {
  readonly #ports: LockHolderPorts;
  readonly #stop = new AbortController();
  #isHeld = false;
  #why: string | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: LockHolderPorts) {
    this.#ports = ports;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Why the lock is not held; null while it is, or before it was first asked for. */
  get why(): string | null {
    return this.#why;
  }

  /** @param onFailure  told once of what will not pass; nothing is done afterwards */
  start(onFailure: (error: HoldfastError) => void): void {
    this.#running = this.#run().catch((error: unknown) => {
      onFailure(toHoldfastError(error));
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const held = await whenFree({
        ...this.#ports,
        signal,
        onWait: (why) => {
          this.#tell(why);
        },
      });
      if (held === null) return;
      const until = AbortSignal.any([signal, held.lost]);
      this.#isHeld = true;
      this.#why = null;
      try {
        await this.#ports.work(until);
      } finally {
        this.#isHeld = false;
        await held.release();
      }
      if (!until.aborted) return;
      if (!signal.aborted) this.#tell(`the lock was lost: ${(held.lost.reason as Error).message}`);
    }
  }

  /** Once, until there is another reason. */
  #tell(why: string): void {
    if (this.#why === why) return;
    this.#why = why;
    this.#ports.log.info({}, `The ${this.#ports.what} stands by: ${why}`);
  }
}

/**
 * Takes a lock as soon as it is free.
 * @param options.onWait  told why it has to wait, before each wait
 * @returns null when the signal aborts first
 * @throws what will not pass
 */
export async function whenFree(options: {
  lock: TakeLock;
  clock: Clock;
  signal: AbortSignal;
  onWait: (why: string) => void;
}): Promise<HeldLock | null> {
  const { lock, clock, signal, onWait } = options;
  while (!signal.aborted) {
    try {
      return await lock();
    } catch (error) {
      const { kind, message } = toHoldfastError(error);
      const isTaken = hasCode(error, 'LOCK_TAKEN') || hasCode(error, 'DATA_DIR_IN_USE');
      if (!isTaken && kind !== 'transient') throw error;
      onWait(message);
    }
    await clock.sleep(TRY_AGAIN_MS, signal);
  }
  return null;
}

/** For work that has nothing to wait for but its end. */
export const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
