import {
  type Clock,
  type EventData,
  type EventStore,
  type HoldfastError,
  newEventId,
  nodeStream,
  toHoldfastError,
} from '@holdfast/domain';

export type NodeReport = EventData<'NodeReported'>;

export interface HeartbeatPorts {
  readonly store: EventStore;
  readonly clock: Clock;
  /** Asked for each report. A throw costs that report only. */
  readonly readState: () => Pick<NodeReport, 'projectors' | 'disks' | 'memoryBytes' | 'notifiers'>;
  /** Told of each report that could not be made; the next one is made all the same. */
  readonly onTrouble: (error: HoldfastError) => void;
}

const INTERVAL_MS = 5_000;
/** A change of a projector's state is told this soon. */
const LOOK_EVERY_MS = 1_000;

/** Reports every five seconds how a node is, and sooner when a projector's state changes. */
export class Heartbeat {
  readonly #ports: HeartbeatPorts;
  readonly #node: Pick<NodeReport, 'node' | 'version' | 'runtime'>;
  readonly #startedAt: string;
  readonly #stop = new AbortController();
  #beating: Promise<void> = Promise.resolve();
  #reportedAt = 0;
  #reportedStates = '';

  constructor(ports: HeartbeatPorts, node: Pick<NodeReport, 'node' | 'version' | 'runtime'>) {
    this.#ports = ports;
    this.#node = node;
    this.#startedAt = ports.clock.now().toISOString();
  }

  /** Resolves after the first report was made, or could not be. */
  async start(): Promise<void> {
    await this.#report();
    this.#beating = this.#beat();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#beating;
  }

  async #beat(): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#stop;
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      const isDue = clock.now().getTime() - this.#reportedAt >= INTERVAL_MS;
      if (isDue || this.#readStates() !== this.#reportedStates) await this.#report();
    }
  }

  #readStates(): string {
    try {
      return statesOf(this.#ports.readState());
    } catch {
      // The next report says why.
      return this.#reportedStates;
    }
  }

  async #report(): Promise<void> {
    const { store, clock, readState, onTrouble } = this.#ports;
    const { node } = this.#node;
    this.#reportedAt = clock.now().getTime();
    try {
      const state = readState();
      this.#reportedStates = statesOf(state);
      const data: NodeReport = {
        ...this.#node,
        startedAt: this.#startedAt,
        intervalSeconds: INTERVAL_MS / 1_000,
        ...state,
      };
      const id = newEventId();
      const metadata = {
        correlationId: id,
        causationId: id,
        actor: `projector:${node}`,
        at: clock.now().toISOString(),
      };
      await store.append(nodeStream(node), [{ type: 'NodeReported', id, data, metadata }], 'any', {
        keepLatest: 1,
      });
    } catch (error) {
      onTrouble(toHoldfastError(error));
    }
  }
}

const statesOf = ({ projectors }: Pick<NodeReport, 'projectors'>): string =>
  projectors.map(({ name, state }) => `${name} ${state}`).join(', ');
