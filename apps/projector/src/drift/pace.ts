import { setImmediate } from 'node:timers/promises';
import type { Catalog } from '@holdfast/catalog';
import type { Clock } from '@holdfast/domain';

/** Somebody publishes while something was published or deleted this recently. */
const BUSY_MS = 1_000;
/** At most a twentieth of a processor is taken meanwhile: measured, it keeps a publish's p99 well within twice its own. */
const RESTS_PER_WORK = 20;
const LONGEST_REST_MS = 250;

export interface PacePorts {
  readonly catalog: Pick<Catalog, 'onChange' | 'replicationCounts'>;
  readonly clock: Clock;
}

/**
 * Whoever publishes goes first: meanwhile a scan rests for a multiple of the time it worked. The log's other events do not
 * count: the scan's own progress is among them.
 */
export class Pace {
  readonly #ports: PacePorts;
  /** No longer takes notice of who publishes. */
  readonly end: () => void;
  #publishedAt = -Infinity;
  #workingSince: number;

  constructor(ports: PacePorts) {
    this.#ports = ports;
    this.#workingSince = this.#now();
    let versions = this.#countVersions();
    this.end = ports.catalog.onChange(() => {
      const now = this.#countVersions();
      if (now !== versions) this.#publishedAt = this.#now();
      versions = now;
    });
  }

  /** Between two pieces of work; ends early, and without an error, where the signal aborts. */
  async rest(signal: AbortSignal): Promise<void> {
    const now = this.#now();
    const workedMs = Math.max(0, now - this.#workingSince);
    if (now - this.#publishedAt < BUSY_MS) {
      await this.#ports.clock.sleep(Math.min(workedMs * RESTS_PER_WORK, LONGEST_REST_MS), signal);
    }
    await setImmediate();
    this.#workingSince = this.#now();
  }

  #now(): number {
    return this.#ports.clock.now().getTime();
  }

  #countVersions(): number {
    return Object.values(this.#ports.catalog.replicationCounts()).reduce((sum, count) => sum + count, 0);
  }
}
