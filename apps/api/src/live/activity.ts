import type { EventOf, LogEntry } from '@holdfast/domain';

/** What happened to documents in some time. */
export interface Activity {
  published: number;
  deleted: number;
  replicated: number;
  failed: number;
  deadLettered: number;
  /** From publishing or deleting to the bucket, of those replicated; null: none, or it is not known. */
  replicationMs: { p50: number; p99: number } | null;
  /** The last of them, newest first. */
  recent: { type: string; path: string; version: number; at: string }[];
}

const MAX_RECENT = 20;
/** The first speak for the rest: each is a look into the catalog. */
const MAX_LATENCIES = 200;

const COUNTED = {
  ContentPublished: 'published',
  ContentDeleted: 'deleted',
  ContentReplicated: 'replicated',
  ReplicationFailed: 'failed',
  ReplicationDeadLettered: 'deadLettered',
} as const;

export const ACTIVITY_TYPES = Object.keys(COUNTED) as (keyof typeof COUNTED)[];

const noActivity = (): Activity => ({
  published: 0,
  deleted: 0,
  replicated: 0,
  failed: 0,
  deadLettered: 0,
  replicationMs: null,
  recent: [],
});

/** Counts events in the order of the log. */
export class ActivityCounter {
  readonly #queuedAt: (path: string, version: number) => string | null;
  #activity = noActivity();
  /** How long the replications among them took. */
  #latencies: number[] = [];
  #isQuiet = true;

  /** @param queuedAt  when a version was published or deleted; null where that is not known */
  constructor(queuedAt: (path: string, version: number) => string | null) {
    this.#queuedAt = queuedAt;
  }

  /** Nothing was counted since the last `take`. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /** @returns whether the event is one that is counted; then it was added */
  add(event: LogEntry): boolean {
    if (!isCounted(event)) return false;
    this.#isQuiet = false;
    this.#activity[COUNTED[event.type]] += 1;
    const { path } = event.data;
    const version = 'version' in event.data ? event.data.version : event.version;
    const latest = { type: event.type, path, version, at: event.metadata.at };
    this.#activity.recent = [latest, ...this.#activity.recent.slice(0, MAX_RECENT - 1)];
    if (event.type === 'ContentReplicated') this.#measure(event);
    return true;
  }

  /** What was counted since it was called before. */
  take(): Activity {
    const activity = { ...this.#activity, replicationMs: summarise(this.#latencies) };
    this.#activity = noActivity();
    this.#latencies = [];
    this.#isQuiet = true;
    return activity;
  }

  #measure({ data, metadata }: EventOf<'ContentReplicated'>): void {
    if (this.#latencies.length >= MAX_LATENCIES) return;
    const queuedAt = this.#queuedAt(data.path, data.version);
    if (queuedAt === null) return;
    // Clocks of several nodes may differ.
    this.#latencies.push(Math.max(0, Date.parse(metadata.at) - Date.parse(queuedAt)));
  }
}

const isCounted = (event: LogEntry): event is EventOf<keyof typeof COUNTED> => event.type in COUNTED;

function summarise(latencies: readonly number[]): Activity['replicationMs'] {
  if (latencies.length === 0) return null;
  const sorted = latencies.toSorted((one, other) => one - other);
  const quantile = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { p50: quantile(0.5), p99: quantile(0.99) };
}
