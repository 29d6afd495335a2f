import { toObjectOnCdn } from './documents.ts';
import type { Queries, Row } from './queries.ts';
import type { DueReplication } from './rows.ts';

/** What may be replicated now, oldest first; paths with an attempt under way are left out. */
export function listDue(
  queries: Queries,
  question: { now: Date; limit: number; exclude: ReadonlySet<string> },
): DueReplication[] {
  const { now, limit, exclude } = question;
  return queries
    .all(
      `SELECT path, version, status, position, attempt, at, sha256, md5, bytes, content_type,
         cdn_version, cdn_sha256, cdn_etag, cdn_at, cdn_stored_ms FROM documents
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

/** How many documents were published and deleted after one position, up to another; counted up to `max`. */
export function countChanges(
  queries: Queries,
  range: { after: string | null; upTo: string; max: number },
): number {
  const { after, upTo, max } = range;
  const row = queries.one(
    'SELECT count(*) AS count FROM (SELECT 1 FROM replications WHERE position > ? AND position <= ? LIMIT ?)',
    [after ?? '', upTo, max],
  );
  return row?.['count'] ?? 0;
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
