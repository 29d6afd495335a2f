import { type Clock, type HoldfastError, toHoldfastError } from '@holdfast/domain';
import type { Alert, AlertBoard, AlertSubject } from '../alerts/alert.ts';

/** How a condition is: what is wrong, or null where nothing is. */
export interface Finding extends AlertSubject {
  readonly problem: Omit<Alert, keyof AlertSubject> | null;
}

/** Something to look at every few seconds. */
export interface Lookout {
  /** For messages: `the disks`. */
  readonly what: string;
  /** Default 5,000. */
  readonly everyMs?: number;
  /** What it does not mention stays as it was; what it throws is logged, and changes nothing. */
  look(): readonly Finding[] | Promise<readonly Finding[]>;
}

export interface ConditionWatchPorts {
  readonly board: AlertBoard;
  readonly clock: Clock;
  readonly lookouts: readonly Lookout[];
  /** Told once of each failure of a lookout until it succeeds again. */
  readonly onTrouble: (what: string, error: HoldfastError) => void;
}

const EVERY_MS = 5_000;

/** Looks at each condition for itself, so that one that cannot be looked at keeps nobody from seeing the others. */
export class ConditionWatch {
  readonly #ports: ConditionWatchPorts;
  readonly #failing = new Set<Lookout>();
  readonly #stop = new AbortController();
  #watching: Promise<unknown> = Promise.resolve();

  constructor(ports: ConditionWatchPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#watching = Promise.all(this.#ports.lookouts.map((lookout) => this.#watch(lookout)));
  }

  /** Ends after the looks in hand. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  /** Looks at everything once. */
  async look(): Promise<void> {
    await Promise.all(this.#ports.lookouts.map((lookout) => this.#lookAt(lookout)));
  }

  async #watch(lookout: Lookout): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#lookAt(lookout);
      await this.#ports.clock.sleep(lookout.everyMs ?? EVERY_MS, signal);
    }
  }

  async #lookAt(lookout: Lookout): Promise<void> {
    const { board, onTrouble } = this.#ports;
    try {
      const findings = await lookout.look();
      this.#failing.delete(lookout);
      if (this.#stop.signal.aborted) return;
      for (const { problem, ...which } of findings) {
        if (problem === null) board.clear(which);
        else board.raise({ ...which, ...problem });
      }
    } catch (error) {
      if (this.#failing.has(lookout) || this.#stop.signal.aborted) return;
      this.#failing.add(lookout);
      onTrouble(lookout.what, toHoldfastError(error));
    }
  }
}
