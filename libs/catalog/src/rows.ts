import type { ContentPath, EventData, JobKind, Position, ReplicationAction } from '@holdfast/domain';

/** An object in the bucket, as the last `ContentReplicated` of its path tells. */
export interface ObjectOnCdn {
  readonly version: number;
  readonly sha256: string;
  /** As the bucket answered it, at most 200 characters; null where it gave none. */
  readonly etag: string | null;
  readonly at: string;
  /** What was written to it later than this, by the bucket's own clock, was not written by us; null: not known. */
  readonly storedMs: number | null;
}

/** What the log says of one path, and what its replication events say of the bucket. */
export interface CatalogDocument {
  readonly path: ContentPath;
  readonly status: 'published' | 'deleted';
  readonly version: number;
  readonly position: Position;
  /** When and by whom that version was published or deleted. */
  readonly at: string;
  readonly actor: string;
  /** These five are null for a deleted document. */
  readonly contentType: string | null;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly md5: string | null;
  readonly sourceSha256: string | null;
  /**
   * What the bucket holds, by the log; null: no object, or unknown, since somebody asked for it again or it was published
   * over a deletion that is not recorded yet.
   */
  readonly onCdn: ObjectOnCdn | null;
}

/** A path whose object in the bucket is not yet what the log wants. */
export interface DueReplication {
  readonly path: ContentPath;
  readonly version: number;
  readonly action: ReplicationAction;
  /** Of the content event. */
  readonly position: Position;
  /** Number of the attempt to make, 1 for the first. */
  readonly attempt: number;
  readonly queuedAt: string;
  /** What to put; null for a delete. */
  readonly document: {
    readonly sha256: string;
    readonly md5: string;
    readonly bytes: number;
    readonly contentType: string;
  } | null;
  /** What the attempt meets in the bucket, by the log; null: nothing, or unknown. */
  readonly onCdn: ObjectOnCdn | null;
}

export const REPLICATION_STATUSES = ['queued', 'failed', 'success', 'dead-letter', 'superseded'] as const;
export type ReplicationStatus = (typeof REPLICATION_STATUSES)[number];

/** One version of one path in the replication log (FR-023). */
export interface ReplicationRow {
  readonly path: ContentPath;
  readonly version: number;
  readonly position: Position;
  readonly action: ReplicationAction;
  readonly status: ReplicationStatus;
  /** Made so far, also in the rounds before somebody asked for another. */
  readonly attempts: number;
  /** When it was published or deleted. */
  readonly queuedAt: string;
  /** Of the last attempt whose duration the log has. */
  readonly startedAt: string | null;
  /** Of the last attempt. */
  readonly endedAt: string | null;
  readonly nextRetryAt: string | null;
  readonly localSha256: string | null;
  readonly cdnSha256: string | null;
  readonly etag: string | null;
  /** The object was compared with the local file after the last attempt, and is equal. */
  readonly verified: boolean;
  /** Of the last attempt that failed, until one succeeds. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** What the version came from, as its content event says. */
  readonly cause: {
    /** The id of the request that published or deleted it. */
    readonly correlationId: string;
    /** The same, or the event of the job in between. */
    readonly causationId: string;
    readonly actor: string;
  };
}

export interface CatalogJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly node: string;
  readonly parameters: EventData<'JobRequested'>['parameters'];
  readonly state: 'requested' | 'running' | 'succeeded' | 'failed';
  readonly position: Position;
  readonly actor: string;
  readonly requestedAt: string;
  readonly progress: EventData<'JobProgressed'> | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly finishedAt: string | null;
}

export type CatalogNode = EventData<'NodeReported'> & {
  /** By the clock of that node. */
  readonly reportedAt: string;
  /** When this catalog came to the report, by the clock here: after it was built again, that is later than the report was made. */
  readonly heardAt: string;
};

export interface UnreadableRow {
  readonly position: Position;
  readonly stream: string;
  readonly message: string;
}
