import type { Catalog, DueReplication } from '@holdfast/catalog';
import {
  type Clock,
  type EventStore,
  hasCode,
  type HoldfastError,
  type ModeWatch,
  type ObjectStore,
  type Position,
  mayHaveHappened,
  toHoldfastError,
} from '@holdfast/domain';
import type { AlertBoard } from '@holdfast/health';
import type { ProjectorStatus } from '../local/condition.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { untilAnswered } from '../runtime/until-answered.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { BucketAccess } from './bucket-access.ts';
import { type DueCatalog, DuePaths, type Taken } from './due-paths.ts';
import type { Purging } from './purging.ts';
import { readCauses } from './read-causes.ts';
import { recordOutcome, type RecordPorts } from './record-outcome.ts';
import {
  deleteDocuments,
  type LocalFiles,
  type Outcome,
  putDocument,
  type ReplicatePorts,
} from './replicate.ts';
import { Settling } from './settling.ts';

export interface CdnProjectorPorts {
  readonly store: EventStore;
  readonly catalog: DueCatalog &
    Pick<
      Catalog,
      'documents' | 'nextReplicationAt' | 'reached' | 'onChange' | 'replicationCounts' | 'oldestPendingAt'
    >;
  readonly content: LocalFiles;
  readonly bucket: ObjectStore;
  readonly mode: Pick<ModeWatch, 'mode' | 'onChange'>;
  readonly alerts: AlertBoard;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  /** Begun when the bucket can be used for the first time. */
  readonly purging: Pick<Purging, 'start' | 'close'>;
  /** How many paths the local projector of this process has yet to write; absent where it has none. */
  readonly countLocalPending?: () => number;
  /** Between 0 and 1, for waits that should not coincide; `Math.random` unless given. */
  readonly random?: () => number;
}

export interface CdnProjectorSettings {
  readonly node: string;
  readonly logId: string;
  /** How many puts, and batches of deletes, are under way at most. */
  readonly concurrency: number;
  readonly retryScheduleMs: readonly number[];
  readonly cacheControl: string;
}

/** Documents in memory at a time; one alone may be larger. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_DELETES = 1_000;
/** Files for readers come first: with more of them to write than this, few attempts are made meanwhile, but never none. */
const MANY_LOCAL = 64;
const FEW_ATTEMPTS = 2;
/** Whoever waits for a local file looks again after this, though no bell was heard. */
const LOOK_AGAIN_MS = 250;
const LONGEST_REST_MS = 5_000;

/**
 * Replicates local files into the bucket: what should be there by the log against what was replicated by the log,
 * path by path, in order per path and concurrently across paths. All it knows is in the log, so it goes on after
 * any crash; an attempt that was cut short is made again. Nothing it meets stops anybody else. To run where the one
 * lock is held; two at once, by accident, come to the same objects.
 */
export class CdnProjector {
  readonly #ports: CdnProjectorPorts;
  readonly #settings: CdnProjectorSettings;
  readonly #due: DuePaths;
  readonly #replicate: ReplicatePorts;
  readonly #record: RecordPorts;
  readonly #access: BucketAccess;
  readonly #settling: Settling;
  readonly #stop = new AbortController();
  readonly #changed = new Wakeup();
  readonly #attempts = new Set<Promise<void>>();
  #bytesUnderWay = 0;
  #state: Pick<ProjectorStatus, 'state' | 'reason'> = { state: 'starting', reason: null };
  /** Why the local files cannot be read now. */
  #trouble: HoldfastError | null = null;
  /** Of the last failure that was logged, until an attempt succeeds: of many alike, the first is enough. */
  #toldCode: string | null = null;
  #checkpoint: Position | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: CdnProjectorPorts, settings: CdnProjectorSettings) {
    const { store, clock, content, bucket } = ports;
    const { logId, cacheControl } = settings;
    this.#ports = ports;
    this.#settings = settings;
    const signal = this.#stop.signal;
    const random = ports.random ?? Math.random;
    this.#settling = new Settling(clock, bucket.settleMs);
    this.#due = new DuePaths({ ...ports, settling: this.#settling });
    this.#access = new BucketAccess({
      ...ports,
      settling: this.#settling,
      signal,
      random,
      actor: this.#actor,
      logId,
      onOpen: () => {
        ports.purging.start();
        this.#due.refresh();
        this.#changed.wake();
      },
      onFatal: (error) => {
        this.#giveUp(error);
      },
      countPending: () => this.#countPending(),
      isWanted: () => ports.mode.mode.cdnEnabled,
    });
    this.#record = {
      store,
      clock,
      log: ports.log,
      retryScheduleMs: settings.retryScheduleMs,
      random,
      signal,
    };
    this.#replicate = {
      store,
      clock,
      content,
      bucket,
      identity: this.#access.identity,
      logId,
      cacheControl,
      signal,
    };
  }

  /** Begins in the background; `status` tells how it goes. */
  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      this.#giveUp(error);
    });
  }

  /** Resolves when it has given up, or was closed. */
  get ended(): Promise<void> {
    return this.#running;
  }

  status(): ProjectorStatus {
    const pending = this.#countPending();
    if (pending === 0) this.#checkpoint = this.#ports.catalog.checkpoint;
    return {
      name: 'cdn',
      ...this.#stateNow(),
      checkpoint: this.#checkpoint,
      pending,
      oldestPendingAt: this.#ports.catalog.oldestPendingAt()?.toISOString() ?? null,
    };
  }

  /** Ends after the attempts under way; one whose outcome could not be recorded is made again by the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await Promise.allSettled(this.#attempts);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { catalog, content, mode } = this.#ports;
    const wake = (): void => {
      this.#changed.wake();
    };
    const ends = [
      catalog.onChange(() => {
        this.#due.refresh();
        wake();
      }),
      content.onChange(wake),
      mode.onChange(() => {
        this.#access.alert();
        wake();
      }),
    ];
    let looking = Promise.resolve();
    try {
      await this.#takeOver();
      looking = this.#access.lookRegularly().catch((error: unknown) => {
        this.#giveUp(error);
      });
      while (!signal.aborted) {
        const woken = this.#changed.next(signal);
        const hasFailed = !this.#begin();
        await this.#rest(woken, hasFailed || this.#due.waitingCount > 0);
      }
    } finally {
      for (const end of ends) end();
      await Promise.allSettled([looking, ...this.#attempts]);
      await this.#ports.purging.close();
    }
  }

  async #takeOver(): Promise<void> {
    const { store } = this.#ports;
    const head = await untilAnswered(this.#record, () => store.head());
    if (head === null) return;
    this.#settling.takeOver(head);
    await this.#access.begin();
    if (this.#access.why === null) this.#ports.purging.start();
  }

  /** Begins as many attempts as may be under way. @returns false where it could not be known which are due */
  #begin(): boolean {
    if (!this.#ports.mode.mode.cdnEnabled) {
      this.#state = { state: 'paused', reason: 'The CDN is disabled; the queue is kept.' };
      this.#due.clear();
      return true;
    }
    this.#state = { state: 'running', reason: null };
    if (this.#access.why !== null) return true;
    const fits = (bytes: number): boolean =>
      this.#bytesUnderWay === 0 || this.#bytesUnderWay + bytes <= MAX_BYTES;
    try {
      while (this.#attempts.size < this.#attemptsAllowed()) {
        const taken = this.#due.take(MAX_DELETES, fits);
        if (taken.length === 0) break;
        this.#attempt(taken);
      }
      this.#trouble = null;
      return true;
    } catch (error) {
      this.#trouble = toHoldfastError(error);
      this.#tell(this.#trouble);
      return false;
    }
  }

  #attemptsAllowed(): number {
    const { concurrency } = this.#settings;
    const isLocalBehind = (this.#ports.countLocalPending?.() ?? 0) > MANY_LOCAL;
    return isLocalBehind ? Math.min(FEW_ATTEMPTS, concurrency) : concurrency;
  }

  #attempt(taken: readonly Taken[]): void {
    const bytes = taken.reduce((sum, { due }) => sum + (due.document?.bytes ?? 0), 0);
    this.#bytesUnderWay += bytes;
    const attempt = this.#replicateAndRecord(taken)
      .catch((error: unknown) => {
        this.#giveUp(error);
      })
      .finally(() => {
        this.#bytesUnderWay -= bytes;
        this.#attempts.delete(attempt);
        for (const { due } of taken) this.#due.release(due.path);
        this.#changed.wake();
      });
    this.#attempts.add(attempt);
  }

  async #replicateAndRecord(taken: readonly Taken[]): Promise<void> {
    const startedAt = this.#ports.clock.now();
    const outcomes = await this.#outcomesOf(taken);
    const metadataOf = await readCauses(taken, this.#actor, this.#record);
    const recorded = await Promise.all(
      outcomes.map(async ({ taken: { due, asOf }, outcome }) => {
        if (outcome.is === 'superseded') return outcome.by;
        if (outcome.is === 'replicated') this.#toldCode = null;
        const settledAt = this.#settledAt(due, outcome);
        if (outcome.is === 'failed' && (await this.#isNoAttempt(outcome.error))) return null;
        const attempt = { due, asOf, startedAt, settledAt, metadata: metadataOf(due) };
        return recordOutcome(attempt, outcome, this.#record);
      }),
    );
    await this.#untilCatalogKnows(recorded);
  }

  #settledAt({ path }: DueReplication, outcome: Outcome): Date | null {
    const isUnknown = outcome.is === 'failed' && mayHaveHappened(outcome.error);
    return isUnknown ? this.#settling.hold(path) : null;
  }

  /** It was cut short, or the bucket as a whole is to blame: the path stays due as it was. */
  async #isNoAttempt(error: HoldfastError): Promise<boolean> {
    if (this.#stop.signal.aborted || (await this.#access.blames(error))) return true;
    this.#tell(error);
    return this.#stop.signal.aborted;
  }

  async #outcomesOf(taken: readonly Taken[]): Promise<{ taken: Taken; outcome: Outcome }[]> {
    const [first] = taken;
    if (first === undefined) return [];
    const mustLook = taken.map(({ due }) => this.#settling.begin(due));
    if (first.due.action === 'put') {
      return [{ taken: first, outcome: await putDocument(first.due, mustLook[0] === true, this.#replicate) }];
    }
    // To delete once more is as good as to look.
    const outcomes = await deleteDocuments(
      taken.map(({ due }) => due),
      this.#replicate,
    );
    return taken.map((one) => ({ taken: one, outcome: outcomes.get(one.due)! }));
  }

  #countPending(): number {
    const { queued, failed } = this.#ports.catalog.replicationCounts();
    return queued + failed;
  }

  get #actor(): string {
    return `projector:${this.#settings.node}`;
  }

  /** Until then the catalog would call the path due again. */
  async #untilCatalogKnows(positions: readonly (Position | null)[]): Promise<void> {
    const { signal } = this.#stop;
    const last = positions
      .filter((position) => position !== null)
      .sort()
      .at(-1);
    while (last !== undefined && !signal.aborted) {
      try {
        return await this.#ports.catalog.reached(last, { signal });
      } catch (error) {
        if (!hasCode(error, 'CATALOG_LAGGING')) throw error;
      }
    }
  }

  /** Until something changes, the next retry is due, or (`isWaiting`) it is worth while to look again. */
  async #rest(woken: Promise<void>, isWaiting: boolean): Promise<void> {
    // Nothing can begin before something ends.
    if (this.#attempts.size >= this.#settings.concurrency) return woken;
    const { clock, catalog } = this.#ports;
    const rest = new AbortController();
    void woken.then(() => {
      rest.abort(null);
    });
    const begunAt = clock.now().getTime();
    const nextRetryInMs = (catalog.nextReplicationAt()?.getTime() ?? Infinity) - begunAt;
    const ms = Math.min(Math.max(nextRetryInMs, 1), isWaiting ? LOOK_AGAIN_MS : LONGEST_REST_MS);
    await clock.sleep(ms, rest.signal);
    if (clock.now().getTime() - begunAt >= ms) this.#due.refresh();
    this.#changed.wake();
  }

  #stateNow(): Pick<ProjectorStatus, 'state' | 'reason'> {
    const why = this.#access.why ?? this.#trouble;
    if (this.#state.state !== 'running' || why === null) return this.#state;
    return { state: 'waiting', reason: `${why.code}: ${why.message}` };
  }

  #tell(error: HoldfastError): void {
    if (this.#stop.signal.aborted || this.#toldCode === error.code) return;
    this.#toldCode = error.code;
    this.#ports.log.warn({ code: error.code, ...error.context }, error.message);
  }

  #giveUp(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const known = toHoldfastError(error);
    this.#state = { state: 'stopped', reason: `${known.code}: ${known.message}` };
    this.#ports.log.error({ err: known, code: known.code }, `The CDN projector stops: ${known.message}`);
    this.#stop.abort();
  }
}
