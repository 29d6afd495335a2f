import { Cron } from 'croner';
import type { Catalog, CatalogJob } from '@holdfast/catalog';
import {
  type Clock,
  derivedEventId,
  type EventStore,
  hasCode,
  jobStream,
  type NewEvent,
  type ScanKind,
  type ScanParameters,
  scanParametersSchema,
  type TakeLock,
  toHoldfastError,
} from '@holdfast/domain';
import type { ProjectorStatus } from '../local/condition.ts';
import { LockHolder, untilAborted } from '../runtime/lock-holder.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { AS_GOOD_AS } from './as-good-as.ts';

export interface DriftProjectorPorts {
  readonly store: EventStore;
  readonly catalog: Pick<Catalog, 'jobs' | 'checkpoint'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  /** Of the scheduled scans of a kind: who holds it compares the bucket too. */
  readonly lock: (kind: ScanKind) => TakeLock;
}

export interface DriftProjectorSettings {
  readonly node: string;
  /** Cron; null: not by itself. */
  readonly quickScan: string | null;
  readonly fullScan: string | null;
  readonly timezone: string;
}

const MAX_UNFINISHED = 1_000;

/** What is made by the clock. */
interface Schedule {
  readonly kind: ScanKind;
  readonly pattern: string;
  /** Of this kind alone: a node that makes no full scans must not keep others from comparing the bucket in theirs. */
  readonly bucket: LockHolder;
}

/**
 * Asks for scans of this node when they are due, as jobs; whoever runs the jobs does the rest. A scan that is due while
 * one waits or runs that does the same is left out. Where several nodes share a bucket, one of them compares it, and the
 * others their files only.
 */
export class DriftProjector {
  readonly #ports: DriftProjectorPorts;
  readonly #settings: DriftProjectorSettings;
  readonly #schedules: readonly Schedule[];
  readonly #asking = new Set<Promise<void>>();
  #crons: Cron[] = [];
  #state: Pick<ProjectorStatus, 'state' | 'reason'> = { state: 'starting', reason: null };

  constructor(ports: DriftProjectorPorts, settings: DriftProjectorSettings) {
    this.#ports = ports;
    this.#settings = settings;
    const { quickScan, fullScan } = settings;
    this.#schedules = [...this.#schedule('quick', quickScan), ...this.#schedule('full', fullScan)];
  }

  start(): void {
    this.#state = { state: 'running', reason: null };
    for (const { kind, bucket } of this.#schedules) {
      bucket.start(({ code, message }) => {
        this.#ports.log.error(
          { code },
          `The scheduled ${kind} scans of this node leave out the bucket: ${message}`,
        );
      });
    }
    this.#crons = this.#schedules.map((schedule) => this.#begin(schedule));
  }

  /** Instead of `start`, where nothing may be written. */
  refuse(error: unknown): void {
    const { code, message } = toHoldfastError(error);
    this.#state = { state: 'stopped', reason: `${code}: ${message}` };
  }

  async close(): Promise<void> {
    for (const cron of this.#crons) cron.stop();
    await Promise.allSettled(this.#asking);
    await Promise.all(this.#schedules.map(({ bucket }) => bucket.close()));
  }

  status(): ProjectorStatus {
    const waiting = this.#unfinished();
    return {
      name: 'drift',
      ...this.#state,
      // No event waits for it: a scan is asked for by the clock, or by somebody.
      checkpoint: this.#ports.catalog.checkpoint,
      pending: waiting.length,
      oldestPendingAt: waiting[0]?.requestedAt ?? null,
    };
  }

  /**
   * @param dueAt  the instant by the schedule: whoever asks for the same again asks for nothing new
   * @returns false where a scan that does the same has not ended yet
   */
  async ask(kind: ScanKind, dueAt: Date): Promise<boolean> {
    const { store, clock } = this.#ports;
    const { node } = this.#settings;
    const isHeld = this.#schedules.some((schedule) => schedule.kind === kind && schedule.bucket.isHeld);
    const sides = isHeld ? 'both' : 'local';
    const parameters: ScanParameters = { kind, repair: 'restore', confirmedOrphans: null, sides };
    if (this.#unfinished().some((job) => doesTheSame(job, parameters))) return false;
    const id = derivedEventId('scheduled-scan', node, kind, dueAt.toISOString());
    const event: NewEvent = {
      type: 'JobRequested',
      id,
      data: { kind: 'scan', node, parameters },
      metadata: {
        correlationId: id,
        causationId: id,
        actor: `projector:${node}`,
        at: clock.now().toISOString(),
      },
    };
    try {
      await store.append(jobStream(id), [event], 'none');
      return true;
    } catch (error) {
      if (hasCode(error, 'STREAM_VERSION_CONFLICT')) return false;
      throw error;
    }
  }

  #schedule(kind: ScanKind, pattern: string | null): Schedule[] {
    if (pattern === null) return [];
    const { lock } = this.#ports;
    const what = `comparison of the bucket in ${kind} scans`;
    const bucket = new LockHolder({ ...this.#ports, lock: lock(kind), what, work: untilAborted });
    return [{ kind, pattern, bucket }];
  }

  #begin({ kind, pattern }: Schedule): Cron {
    const { timezone } = this.#settings;
    const onDue = (schedule: Cron): void => {
      const asking = this.ask(kind, minuteOf(schedule.currentRun() ?? this.#ports.clock.now()))
        .then(() => undefined)
        .catch((error: unknown) => {
          const { code, message } = toHoldfastError(error);
          this.#ports.log.error(
            { code, kind },
            `The ${kind} scan that is due could not be asked for: ${message}`,
          );
        })
        .finally(() => this.#asking.delete(asking));
      this.#asking.add(asking);
    };
    return new Cron(pattern, { timezone, unref: true }, onDue);
  }

  #unfinished(): ReturnType<Catalog['jobs']> {
    return this.#ports.catalog
      .jobs({ unfinishedOn: this.#settings.node, limit: MAX_UNFINISHED })
      .filter(({ kind }) => kind === 'scan');
  }
}

/** Whether an unfinished job comes to all that a scan would. */
function doesTheSame({ parameters }: CatalogJob, wanted: ScanParameters): boolean {
  const { data } = scanParametersSchema.safeParse(parameters);
  return (
    data !== undefined &&
    AS_GOOD_AS[wanted.kind].includes(data.kind) &&
    data.repair !== 'none' &&
    (data.sides === 'both' || wanted.sides === 'local')
  );
}

/** When it was due: schedules know no seconds, but timers come late. */
const minuteOf = (instant: Date): Date => new Date(Math.floor(instant.getTime() / 60_000) * 60_000);
