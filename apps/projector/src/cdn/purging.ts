import {
  type Clock,
  type EventStore,
  followLog,
  type HoldfastError,
  type LogPage,
  type ModeWatch,
  type ObjectStore,
  type Purger,
  retryAfterMsOf,
  toHoldfastError,
} from '@holdfast/domain';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { PurgeAttempts } from './purge-attempts.ts';
import { PurgeCheckpoint } from './purge-checkpoint.ts';
import { type Replicated, urlsToPurge } from './purge-urls.ts';

export interface PurgingPorts {
  readonly store: EventStore;
  /** The checkpoint lives there. */
  readonly bucket: Pick<ObjectStore, 'get' | 'put'>;
  /** Null: nothing is purged, and the bucket is not touched. */
  readonly purger: Purger | null;
  readonly mode: Pick<ModeWatch, 'mode' | 'onChange'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
}

export interface PurgingSettings {
  readonly logId: string;
  /** Without a trailing slash; what the mode names comes first. */
  readonly cdnBaseUrl: string | null;
  readonly urlVersion: boolean;
  /** 0 to 1; spreads the retries of several installations. Default Math.random. */
  readonly random?: () => number;
}

export interface PurgingStatus {
  /**
   * Off: nothing is to be purged. Starting: nothing has been purged yet, so nobody knows whether it can be. Waiting:
   * something is to be, and the reason says why it has to wait.
   */
  readonly state: 'off' | 'starting' | 'running' | 'waiting';
  readonly reason: string | null;
  /** URLs; at least so many, as the log may have more. */
  readonly pending: number;
  /** Since when the oldest of them is to be purged. */
  readonly oldestPendingAt: string | null;
  /** URLs that can never be purged, since the start of this process. */
  readonly refused: number;
}

/** Replications in memory at a time. */
const PAGE = 1_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 300_000;
/** A longer `Retry-After` is not believed. */
const LONGEST_ASKED_MS = 3_600_000;

/**
 * Purges the CDN's cache after every change of the bucket: it follows the log's `ContentReplicated` and keeps
 * nothing but how far it has come, so however long the API is away, what waits is in the log. Nobody waits for it.
 *
 * To be started by who holds the lock of the CDN projector, once the bucket is known to be this log's.
 */
export class Purging {
  readonly #ports: PurgingPorts;
  readonly #settings: PurgingSettings;
  readonly #checkpoint: PurgeCheckpoint;
  readonly #attempts: PurgeAttempts | null;
  readonly #stop = new AbortController();
  /** The mode may name another URL of the CDN, or this process stops. */
  readonly #changed = new Wakeup();
  #isStarted = false;
  /** It has purged something, or come to the end of what is to be purged. */
  #hasProven = false;
  /** Why it has to wait. */
  #trouble: HoldfastError | null = null;
  #failures = 0;
  /** URLs of the page in hand, with the instant since when. */
  #left: ReadonlyMap<string, string> = new Map();
  #running: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(ports: PurgingPorts, settings: PurgingSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#checkpoint = new PurgeCheckpoint(ports, settings.logId);
    this.#attempts = ports.purger === null ? null : new PurgeAttempts(ports.purger, ports.log);
  }

  /** Begins in the background; `status` tells how it goes. Only the first call counts. */
  start(): void {
    if (this.#isStarted || this.#stop.signal.aborted) return;
    if (this.#attempts !== null) this.#running = this.#run(this.#attempts);
    this.#isStarted = true;
  }

  status(): PurgingStatus {
    const [oldestPendingAt = null] = this.#left.values();
    return {
      ...this.#state(),
      pending: this.#left.size,
      oldestPendingAt,
      refused: this.#attempts?.refused ?? 0,
    };
  }

  /** Ends at once, or after 2 s where the bucket is silent. What was not confirmed is purged again by the next start. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    this.#changed.wake();
    await this.#running;
    await this.#checkpoint.close();
  }

  async #run(attempts: PurgeAttempts): Promise<void> {
    const { signal } = this.#stop;
    const end = this.#ports.mode.onChange(() => {
      this.#changed.wake();
    });
    try {
      await this.#untilDone(() => this.#checkpoint.open(signal));
      if (signal.aborted) return;
      const saving = this.#checkpoint.saveRegularly(signal);
      await this.#untilDone(() => this.#follow(attempts));
      await saving;
    } finally {
      end();
    }
  }

  /** Whatever goes wrong, it is tried again. */
  async #untilDone(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await work();
        this.#recover();
        return;
      } catch (error) {
        await this.#rest(toHoldfastError(error));
      }
    }
  }

  #follow(attempts: PurgeAttempts): Promise<void> {
    const { store, clock } = this.#ports;
    return followLog({
      store,
      clock,
      after: () => this.#checkpoint.position,
      filter: { types: ['ContentReplicated'] },
      maxCount: PAGE,
      signal: this.#stop.signal,
      handle: (page) => this.#handle(page, attempts),
      onCurrent: () => {
        this.#hasProven = true;
        this.#recover();
      },
      onTrouble: (error) => {
        this.#meet(error);
      },
    });
  }

  async #handle(page: LogPage, attempts: PurgeAttempts): Promise<void> {
    const events = page.events.filter((event) => event.type === 'ContentReplicated');
    if (events.length > 0) {
      if (!(await this.#purge(events, attempts))) return;
      this.#hasProven = true;
    }
    this.#recover();
    if (page.next !== null) this.#checkpoint.advance(page.next, { toBeSaved: events.length > 0 });
  }

  /** @returns false where it was stopped before all was purged */
  async #purge(events: readonly Replicated[], attempts: PurgeAttempts): Promise<boolean> {
    const { signal } = this.#stop;
    let cdnBaseUrl: string | null = null;
    let left = new Map<string, string>();
    while (!signal.aborted) {
      // Looked at before each attempt: another may have been named because of what failed.
      if (this.#cdnBaseUrl() !== cdnBaseUrl) {
        cdnBaseUrl = this.#cdnBaseUrl();
        left = await this.#urlsOf(events, cdnBaseUrl);
        this.#left = left;
      }
      if (cdnBaseUrl === null || left.size === 0) return true;
      const count = left.size;
      const fault = await attempts.purge(left, cdnBaseUrl, signal);
      if (left.size < count) this.#failures = 0;
      if (fault !== null && this.#cdnBaseUrl() === cdnBaseUrl) await this.#rest(fault);
    }
    return false;
  }

  async #urlsOf(events: readonly Replicated[], cdnBaseUrl: string | null): Promise<Map<string, string>> {
    const { urlVersion } = this.#settings;
    return cdnBaseUrl === null
      ? new Map<string, string>()
      : urlsToPurge(events, { cdnBaseUrl, urlVersion }, this.#ports.store);
  }

  /** Until it is worth while to try again, or something changed. */
  async #rest(fault: HoldfastError): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#meet(fault);
    const { clock } = this.#ports;
    const random = (this.#settings.random ?? Math.random)();
    const ownMs = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS) * (0.5 + random / 2);
    const askedMs = Math.min(retryAfterMsOf(fault) ?? 0, LONGEST_ASKED_MS) * (1 + random / 10);
    this.#failures += 1;
    const rest = new AbortController();
    void this.#changed.next(rest.signal).then(() => {
      rest.abort();
    });
    await clock.sleep(Math.max(ownMs, askedMs), rest.signal);
    rest.abort();
  }

  #cdnBaseUrl(): string | null {
    return this.#ports.mode.mode.cdnBaseUrl ?? this.#settings.cdnBaseUrl;
  }

  #state(): Pick<PurgingStatus, 'state' | 'reason'> {
    if (this.#attempts === null) return { state: 'off', reason: 'HOLDFAST_PURGE names no cache.' };
    if (this.#cdnBaseUrl() === null) {
      return { state: 'off', reason: 'No URL of the CDN is known, so nothing is cached there.' };
    }
    if (!this.#isStarted) return { state: 'starting', reason: 'The CDN projector has not begun here.' };
    if (this.#trouble === null) return { state: this.#hasProven ? 'running' : 'starting', reason: null };
    return { state: 'waiting', reason: `${this.#trouble.code}: ${this.#trouble.message}` };
  }

  #meet(error: HoldfastError): void {
    // Of many failures in a row for the same reason the first is told.
    if (this.#trouble?.code !== error.code && !this.#stop.signal.aborted) {
      this.#ports.log.warn({ code: error.code, ...error.context }, `Purging waits. ${error.message}`);
    }
    this.#trouble = error;
  }

  #recover(): void {
    if (this.#trouble !== null && !this.#stop.signal.aborted) this.#ports.log.info({}, 'Purging goes on.');
    this.#trouble = null;
    this.#failures = 0;
  }
}
