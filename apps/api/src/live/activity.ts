import type { EventOf, LogEntry } from '@holdfast/domain';

/** What happened to documents since the frame before. */
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

const COUNTED = {
  ContentPublished: 'published',
  ContentDeleted: 'deleted',
  ContentReplicated: 'replicated',
  ReplicationFailed: 'failed',
  ReplicationDeadLettered: 'deadLettered',
} as const;

export const ACTIVITY_TYPES = Object.keys(COUNTED) as (keyof typeof COUNTED)[];

export const noActivity = (): Activity => ({
  published: 0,
  deleted: 0,
  replicated: 0,
  failed: 0,
  deadLettered: 0,
  replicationMs: null,
  recent: [],
});

/** @returns whether the event is one that is counted; then it was added */
export function addToActivity(activity: Activity, event: LogEntry): boolean {
  if (!isCounted(event)) return false;
  activity[COUNTED[event.type]] += 1;
  const { path } = event.data;
  const version = 'version' in event.data ? event.data.version : event.version;
  const latest = { type: event.type, path, version, at: event.metadata.at };
  activity.recent = [latest, ...activity.recent.slice(0, MAX_RECENT - 1)];
  return true;
}

const isCounted = (event: LogEntry): event is EventOf<keyof typeof COUNTED> => event.type in COUNTED;
