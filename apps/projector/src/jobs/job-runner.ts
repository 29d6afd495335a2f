import type { Catalog, CatalogJob } from '@holdfast/catalog';
import {
  type Clock,
  type DecidedEvent,
  derivedEventId,
  type EventData,
  type EventMetadata,
  type EventOf,
  type EventStore,
  hasCode,
  HoldfastError,
  type JobKind,
  jobStream,
  newEventId,
  type Position,
  toHoldfastError,
} from '@holdfast/domain';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { untilAnswered } from '../runtime/until-answered.ts';
import type { RunJob } from './job.ts';

export interface JobRunnerPorts {
  readonly store: EventStore;
  readonly catalog: Pick<Catalog, 'jobs' | 'retiredNodes' | 'onChange' | 'reached'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  /** Those that this process can run. */
  readonly jobs: Readonly<Partial<Record<JobKind, RunJob>>>;
  /** Whether the jobs that retired nodes left unfinished are this process's: one of the whole system says yes. */
  readonly inheritsJobs: () => boolean;
}

/** Any node can end these; the others are about a node's own files. */
const OF_THE_WHOLE_SYSTEM: ReadonlySet<JobKind> = new Set(['directory-deletion', 'retry-all']);

const PROGRESS_EVERY_MS = 1_000;
const AGAIN_AFTER_MS = 5_000;
const MAX_MESSAGE_CHARS = 2_000;
const MAX_UNFINISHED = 1_000;

/**
 * Runs the jobs of this node, one of each kind at a time and the oldest first, and those that a node which was
 * retired has left to all. One that a crash cut short runs again; each gets exactly one last event, however often it ran.
 */
export class JobRunner {
  readonly #ports: JobRunnerPorts;
  readonly #node: string;
  readonly #stop = new AbortController();
  readonly #running = new Map<JobKind, Promise<void>>();
  /** Jobs that could not even be ended; the next start looks at them again. */
  readonly #abandoned = new Set<string>();
  #endListening: () => void = () => undefined;

  constructor(ports: JobRunnerPorts, settings: { node: string }) {
    this.#ports = ports;
    this.#node = settings.node;
  }

  start(): void {
    this.#endListening = this.#ports.catalog.onChange(() => {
      this.#begin();
    });
    this.#begin();
  }

  /** Unfinished jobs stay so, for the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#endListening();
    await Promise.allSettled(this.#running.values());
  }

  #begin(): void {
    if (this.#stop.signal.aborted) return;
    for (const job of this.#unfinished()) {
      if (this.#running.has(job.kind) || this.#abandoned.has(job.id)) continue;
      const running = this.#run(job)
        .catch((error: unknown) => {
          this.#abandoned.add(job.id);
          this.#ports.log.error(
            { err: error, job: job.id },
            `The job ${job.id} could not be ended: ${String(error)}`,
          );
        })
        .finally(() => {
          this.#running.delete(job.kind);
          this.#begin();
        });
      this.#running.set(job.kind, running);
    }
  }

  #unfinished(): CatalogJob[] {
    const { catalog, inheritsJobs } = this.#ports;
    const jobsOn = (node: string): CatalogJob[] =>
      catalog.jobs({ unfinishedOn: node, limit: MAX_UNFINISHED });
    if (!inheritsJobs()) return jobsOn(this.#node);
    const inherited = catalog.retiredNodes().flatMap(jobsOn);
    return [...jobsOn(this.#node), ...inherited.filter(({ kind }) => OF_THE_WHOLE_SYSTEM.has(kind))];
  }

  async #run(job: CatalogJob): Promise<void> {
    const { store, log } = this.#ports;
    const [requested] =
      (await this.#answered(() => store.readStream(jobStream(job.id), { maxCount: 1 }))) ?? [];
    if (requested === undefined) return;
    if (requested.type !== 'JobRequested') throw new Error(`its stream begins with ${requested.type}`);
    log.info({ job: job.id, kind: job.kind }, `job ${job.kind} begins`);
    const progress = new ProgressReport(this.#ports.clock, (data) =>
      store.append(jobStream(job.id), [this.#event({ type: 'JobProgressed', data }, requested)], 'any'),
    );
    progress.tell({ phase: 'starting', done: 0, total: null });
    const ended = await this.#runUntilEnded(job, requested, progress);
    await progress.settled();
    if (ended === null) return;
    const data: EventData<'JobFinished'> =
      'error' in ended
        ? { outcome: 'failed', counts: {}, error: tellError(ended.error) }
        : { outcome: 'succeeded', counts: ended.counts, error: null };
    // The same id from every run: only the first of them is kept.
    const finished = this.#event(
      { type: 'JobFinished', data },
      requested,
      derivedEventId('job-finished', job.id),
    );
    const appended = await this.#answered(() => store.append(jobStream(job.id), [finished], 'any'));
    log.info({ job: job.id, kind: job.kind, ...data }, `job ${job.kind} ${data.outcome}`);
    if (appended !== null) await this.#untilCatalogKnows(appended.position);
  }

  /** @returns null when the process ends first */
  async #runUntilEnded(
    job: CatalogJob,
    requested: EventOf<'JobRequested'>,
    progress: ProgressReport,
  ): Promise<{ counts: Record<string, number> } | { error: HoldfastError } | null> {
    const { signal } = this.#stop;
    const runJob = this.#ports.jobs[job.kind];
    if (runJob === undefined) return { error: cannotRun(job) };
    const onProgress = (data: EventData<'JobProgressed'>): void => {
      progress.tell(data);
    };
    for (;;) {
      try {
        return { counts: await runJob({ job, requested, signal, onProgress }) };
      } catch (caught) {
        if (signal.aborted) return null;
        const error = toHoldfastError(caught);
        this.#ports.log.error(
          { err: error, job: job.id, code: error.code },
          `job ${job.kind}: ${error.message}`,
        );
        // Without the log nothing can be ended either, so it is begun again.
        if (!hasCode(error, 'EVENT_STORE_UNAVAILABLE') && !hasCode(error, 'CATALOG_LAGGING'))
          return { error };
      }
      await this.#ports.clock.sleep(AGAIN_AFTER_MS, signal);
    }
  }

  async #untilCatalogKnows(position: Position): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        return await this.#ports.catalog.reached(position, { signal });
      } catch (error) {
        if (!hasCode(error, 'CATALOG_LAGGING')) throw error;
      }
    }
  }

  #event(event: DecidedEvent, requested: EventOf<'JobRequested'>, id = newEventId()) {
    const metadata: EventMetadata = {
      correlationId: requested.metadata.correlationId,
      causationId: requested.id,
      actor: `projector:${this.#node}`,
      at: this.#ports.clock.now().toISOString(),
    };
    return { ...event, id, metadata };
  }

  #answered<T>(ask: () => Promise<T>): Promise<T | null> {
    return untilAnswered({ clock: this.#ports.clock, signal: this.#stop.signal }, ask);
  }
}

type Progress = EventData<'JobProgressed'>;

/** At most one event a second, of the last that was told by then; a log that is away is no failure. */
class ProgressReport {
  readonly #clock: Clock;
  readonly #append: (progress: Progress) => Promise<unknown>;
  readonly #end = new AbortController();
  #next: Progress | null = null;
  #sending: Promise<void> | null = null;

  constructor(clock: Clock, append: (progress: Progress) => Promise<unknown>) {
    this.#clock = clock;
    this.#append = append;
  }

  tell(progress: Progress): void {
    this.#next = progress;
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null;
    });
  }

  /** No progress comes after the end. */
  async settled(): Promise<void> {
    this.#end.abort();
    await this.#sending;
  }

  async #send(): Promise<void> {
    const { signal } = this.#end;
    for (let next = this.#next; next !== null && !signal.aborted; next = this.#next) {
      this.#next = null;
      await this.#append(next).catch(() => undefined);
      await this.#clock.sleep(PROGRESS_EVERY_MS, signal);
    }
  }
}

const cannotRun = ({ id, kind, node }: CatalogJob): HoldfastError =>
  new HoldfastError(
    'REQUEST_INVALID',
    `The job ${id} (${kind}) cannot run on ${node}: the projector it needs does not run there (HOLDFAST_PROJECTORS).`,
    { context: { job: id, kind, node } },
  );

const tellError = ({ code, message }: HoldfastError) => ({
  code,
  message: message.slice(0, MAX_MESSAGE_CHARS),
});
