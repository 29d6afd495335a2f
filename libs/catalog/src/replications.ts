import { toObjectOnCdn } from './documents.ts';
import { type Queries, type Row, where } from './queries.ts';
import type { DueReplication, ReplicationRow, ReplicationStatus } from './rows.ts';

/** What may be replicated now, oldest first; paths with an attempt under way are left out. */
export function listDue(
  queries: Queries,
  question: { now: Date; limit: number; exclude: ReadonlySet<string> },
): DueReplication[] {
  const { now, limit, exclude } = question;
  return queries
    .all(
      `SELECT path, version, status, position, attempt, at, sha256, md5, bytes, content_type,
         cdn_version, cdn_sha256, cdn_etag, cdn_at FROM documents
       WHERE due_at <= ? ORDER BY due_at, position LIMIT ?`,
      [now.getTime(), limit + exclude.size],
    )
    .map(toDue)
    .filter(({ path }) => !exclude.has(path))
    .slice(0, limit);
}

/** The earliest retry that lies ahead. */
export function findNextRetry(queries: Queries, now: Date): Date | null {
  const row = queries.one('SELECT min(due_at) AS due FROM documents WHERE due_at > ?', [now.getTime()]);
  const due = (row?.['due'] ?? null) as number | null;
  return due === null ? null : new Date(due);
}

export interface ReplicationsQuestion {
  readonly path?: string | undefined;
  readonly status?: ReplicationStatus | undefined;
  /** Published or deleted at or after. */
  readonly since?: Date | undefined;
  /** As `next` of the page before; pages stay stable while rows arrive, as these come first. */
  readonly after: string | null;
  readonly limit: number;
}

/** Newest version first. */
export function listReplications(
  queries: Queries,
  question: ReplicationsQuestion,
): { rows: ReplicationRow[]; next: string | null } {
  const { path, status, since, after, limit } = question;
  const isOpen = status === 'queued' || status === 'failed' || status === 'dead-letter';
  const { sql, values } = where([
    ['path = ?', path],
    // Written out, so that SQLite sees that the index of open rows serves.
    [isOpen ? `status IN ('queued', 'failed', 'dead-letter') AND status = ?` : 'status = ?', status],
    ['queued_at >= ?', since?.toISOString()],
    ['position < ?', after ?? undefined],
  ]);
  const rows = queries
    .all(`SELECT * FROM replications WHERE ${sql} ORDER BY position DESC LIMIT ?`, [...values, limit + 1])
    .map(toReplication);
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? (page.at(-1)?.position ?? null) : null };
}

/** When the oldest version that is queued or failing was published or deleted. */
export function findOldestPending(queries: Queries): Date | null {
  const row = queries.one(
    `SELECT min(position) AS position, queued_at FROM replications
     WHERE status IN ('queued', 'failed', 'dead-letter') AND status IN ('queued', 'failed')`,
    [],
  );
  const at = (row?.['queued_at'] ?? null) as string | null;
  return at === null ? null : new Date(at);
}

function toDue(row: Row): DueReplication {
  const isPublished = (row['status'] as unknown) === 'published';
  return {
    path: row['path']!,
    version: row['version']!,
    action: isPublished ? 'put' : 'delete',
    position: row['position']!,
    attempt: row['attempt']!,
    queuedAt: row['at']!,
    document: isPublished
      ? { sha256: row['sha256']!, md5: row['md5']!, bytes: row['bytes']!, contentType: row['content_type']! }
      : null,
    onCdn: toObjectOnCdn(row),
  };
}

function toReplication(row: Row): ReplicationRow {
  const status = row['status'] as unknown as ReplicationStatus;
  const localSha256 = row['local_sha256'] as unknown as string | null;
  const cdnSha256 = row['cdn_sha256'] as unknown as string | null;
  return {
    path: row['path']!,
    version: row['version']!,
    position: row['position']!,
    action: row['action']!,
    status,
    attempts: row['attempts']!,
    queuedAt: row['queued_at']!,
    startedAt: row['started_at']!,
    endedAt: row['ended_at']!,
    nextRetryAt: row['next_retry_at']!,
    localSha256,
    cdnSha256,
    etag: row['etag']!,
    verified: status === 'success' && localSha256 === cdnSha256,
    error: row['error_code'] === null ? null : { code: row['error_code']!, message: row['error_message']! },
  };
}
