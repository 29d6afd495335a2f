import {
  type Clock,
  type CommandHandler,
  type EventStore,
  MODE_STREAM,
  modeDecider,
  type ModeWatch,
  newEventId,
  type Position,
  toHoldfastError,
} from '@holdfast/domain';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { decideFailover, type Sample, SAMPLES_KEPT } from './decide-failover.ts';
import { findFailover } from './find-failover.ts';
import { probeCdn } from './probe.ts';

export interface FailoverPorts {
  readonly store: EventStore;
  readonly commands: CommandHandler;
  readonly mode: Pick<ModeWatch, 'mode' | 'lastChange' | 'isStale'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
}

export interface FailoverSettings {
  readonly node: string;
  readonly logId: string;
  /** Of this node's environment; the mode may name another. */
  readonly cdnBaseUrl: string | null;
  /** See `probeCdn`. */
  readonly timeoutMs?: number;
}

const EVERY_MS = 5_000;

/**
 * Probes the CDN as a reader would and changes the mode by what it finds. To run where the CDN lock is held; two
 * at once, by accident, come to one event all the same.
 */
export class Failover {
  readonly #ports: FailoverPorts;
  readonly #settings: FailoverSettings;
  #samples: readonly Sample[] = [];
  /** The change of mode since which the samples were taken; what was so before an operator's word counts no more. */
  #since: Position | null = null;
  #failedOverAt: Date | null = null;
  #knowsSince = false;
  /** The last probe was doubtful, and did not count. */
  #hasPassed = false;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(ports: FailoverPorts, settings: FailoverSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** Probes every five seconds until `close`. */
  start(): void {
    this.#running = this.#run(this.#stop.signal);
  }

  /** Ends after the probe in hand. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports;
    while (!signal.aborted) {
      const begunAt = clock.now().getTime();
      try {
        await this.probeOnce(signal);
      } catch (error) {
        const { code, message } = toHoldfastError(error);
        log.warn({ code }, `The failover could not look or switch, and tries again: ${message}`);
      }
      const leftMs = begunAt + EVERY_MS - clock.now().getTime();
      // No longer than that, also where the clock was set back meanwhile.
      await clock.sleep(Math.min(Math.max(1, leftMs), EVERY_MS), signal);
    }
  }

  /** @throws EVENT_STORE_UNAVAILABLE, DISK_FULL; the next probe decides again */
  async probeOnce(signal: AbortSignal): Promise<void> {
    const { mode: watch, clock } = this.#ports;
    const { logId, timeoutMs } = this.#settings;
    await this.#learnMode();
    const cdnBaseUrl = watch.mode.cdnBaseUrl ?? this.#settings.cdnBaseUrl;
    // Nobody is sent to the CDN, and nobody is to be sent back.
    if (cdnBaseUrl === null || !watch.mode.cdnEnabled) {
      this.#samples = [];
      return;
    }
    const { sample, isDoubtful } = await probeCdn({
      cdnBaseUrl,
      logId,
      clock,
      signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    // A process that stands still all the time must not leave readers with a CDN that is gone: every second one counts.
    const isPassed = isDoubtful && !this.#hasPassed;
    this.#hasPassed = isPassed;
    if (signal.aborted || isPassed) return;
    this.#samples = [...this.#samples, sample].slice(-SAMPLES_KEPT);
    await this.#learnMode();
    if (!watch.isStale) await this.#decide();
  }

  async #learnMode(): Promise<void> {
    const { mode, store } = this.#ports;
    const since = mode.lastChange?.position ?? null;
    if (this.#knowsSince && since === this.#since) return;
    const failover = mode.mode.localFallback ? await findFailover(store) : null;
    this.#failedOverAt = failover === null ? null : new Date(failover.metadata.at);
    this.#samples = [];
    this.#since = since;
    this.#knowsSince = true;
  }

  async #decide(): Promise<void> {
    const { mode, clock, commands, log } = this.#ports;
    const now = clock.now();
    const facts = { samples: this.#samples, mode: mode.mode, failedOverAt: this.#failedOverAt, now };
    const decided = decideFailover(facts);
    if (decided === null) return;
    const { localFallback, reason, probes } = decided;
    const id = newEventId();
    const actor = `projector:${this.#settings.node}`;
    const handled = await commands.handle(
      MODE_STREAM,
      modeDecider,
      { type: 'ChangeMode', changes: { localFallback }, cause: 'probe', reason, probes },
      {
        eventId: id,
        metadata: { correlationId: id, causationId: id, actor, at: now.toISOString() },
      },
    );
    if (!handled.appended) return;
    const where = localFallback ? 'the local origin' : 'the CDN again';
    log.warn({ localFallback }, `Readers are sent to ${where}. ${reason}`);
  }
}
