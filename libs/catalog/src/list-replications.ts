import { hourOf } from './apply.ts';
import { type Condition, type Queries, type Row, where } from './queries.ts';
import type { ReplicationRow, ReplicationStatus } from './rows.ts';

export interface ReplicationsQuestion {
  readonly path?: string | undefined;
  /** A string prefix of the path. */
  readonly prefix?: string | undefined;
  /** One of these; absent: any. */
  readonly status?: ReplicationStatus | readonly ReplicationStatus[] | undefined;
  /** Published or deleted at or after. */
  readonly since?: Date | undefined;
  /** As `next` of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

export interface ReplicationsPage {
  readonly rows: ReplicationRow[];
  /** Null: there are no more. A page with fewer rows than the limit, or none, may still have a next one. */
  readonly next: string | null;
}

/** How rows are found: in which order of which tree. */
interface Walk {
  readonly from: string;
  readonly order: string;
  readonly conditions: readonly Condition[];
}

/** Rows one call looks at; nothing else in this process can run meanwhile. */
const LOOKED_AT = 5_000;
/** So many rows are rather read and sorted than looked for in the whole log. */
const FEW = 1_000;

const OPEN_STATUSES: readonly ReplicationStatus[] = ['queued', 'failed', 'dead-letter'];

const NEWEST_FIRST: Walk = {
  from: 'replications INDEXED BY replications_position',
  order: 'position DESC',
  conditions: [],
};
const newestOf = (status: ReplicationStatus): Walk => ({
  from: 'replications INDEXED BY replications_open',
  order: 'position DESC',
  // As the index has it, or SQLite would not use it.
  conditions: [[`status IN ('queued', 'failed', 'dead-letter') AND status = ?`, status]],
});
/** Positions of one path grow with its versions. */
const VERSIONS_OF_PATH: Walk = { from: 'replications NOT INDEXED', order: 'version DESC', conditions: [] };
const SORTED: Walk = { from: 'replications NOT INDEXED', order: 'position DESC', conditions: [] };

/**
 * A page of the replication log, newest version first. The order is that of the content events, which never
 * changes: whatever becomes of rows between two pages, each is on one of them at most, and one that fits the
 * question all the time is on exactly one.
 */
export function listReplications(queries: Queries, question: ReplicationsQuestion): ReplicationsPage {
  const { path, prefix, status, since, after } = question;
  const statuses = typeof status === 'string' ? [status] : status;
  const ofPath: Condition[] = path === undefined ? [] : [['path = ?', path]];
  const belowPrefix: Condition[] =
    prefix === undefined || prefix === ''
      ? []
      : // U+10FFFF stands in no path and sorts after all that do.
        [
          ['path >= ?', prefix],
          ['path < ?', `${prefix}\u{10ffff}`],
        ];
  const ofStatus: Condition[] =
    statuses === undefined ? [] : [['status IN (SELECT value FROM json_each(?))', JSON.stringify(statuses)]];
  const recent: Condition[] = since === undefined ? [] : [['queued_at >= ?', since.toISOString()]];
  const all = [...ofPath, ...belowPrefix, ...ofStatus, ...recent];
  if (path !== undefined) return readPage(queries, question, [VERSIONS_OF_PATH], all, {});
  if (belowPrefix.length > 0 && hasFew(queries, belowPrefix)) {
    return readPage(queries, question, [SORTED], all, {});
  }
  const first = since === undefined ? undefined : findFirstSince(queries, since);
  if (first === null) return { rows: [], next: null };
  const isOpen = statuses?.every((status) => OPEN_STATUSES.includes(status)) ?? false;
  const walks = isOpen ? [...new Set(statuses)].map(newestOf) : [NEWEST_FIRST];
  const filters = [...belowPrefix, ...recent, ...(isOpen ? [] : ofStatus)];
  const bound = filters.length === 0 ? null : findBound(queries, walks, { first, after });
  return readPage(queries, question, walks, filters, { first, bound });
}

function hasFew(queries: Queries, belowPrefix: readonly Condition[]): boolean {
  const { sql, values } = where(belowPrefix);
  const counted = `SELECT 1 FROM ${SORTED.from} WHERE ${sql} LIMIT ${FEW + 1}`;
  return (queries.one(`SELECT count(*) AS count FROM (${counted})`, values)?.['count'] ?? 0) <= FEW;
}

/** @returns a position before which nothing is as recent; null where nothing at all is */
function findFirstSince(queries: Queries, since: Date): string | null {
  const hour = hourOf(since.toISOString());
  const row = queries.one('SELECT min(position) AS position FROM hours WHERE hour >= ?', [hour]);
  return row?.['position'] ?? null;
}

/** @returns the position down to which every walk looks at no more rows than it may; null: down to `first` */
function findBound(
  queries: Queries,
  walks: readonly Walk[],
  { first, after }: { first: string | undefined; after: string | null },
): string | null {
  const bounds = walks.flatMap(({ from, order, conditions }) => {
    const { sql, values } = where([
      ...conditions,
      ['position >= ?', first],
      ['position < ?', after ?? undefined],
    ]);
    const row = queries.one(
      `SELECT position FROM ${from} WHERE ${sql} ORDER BY ${order} LIMIT 1 OFFSET ${LOOKED_AT - 1}`,
      values,
    );
    return row === undefined ? [] : [row['position'] as unknown as string];
  });
  return bounds.sort().at(-1) ?? null;
}

function readPage(
  queries: Queries,
  { after, limit }: ReplicationsQuestion,
  walks: readonly Walk[],
  filters: readonly Condition[],
  { first, bound = null }: { first?: string | undefined; bound?: string | null },
): ReplicationsPage {
  const rows = walks.flatMap(({ from, order, conditions }) => {
    const { sql, values } = where([
      ...conditions,
      ...filters,
      ['position < ?', after ?? undefined],
      // The nearer one alone: of two, SQLite would read on to the first.
      ['position >= ?', bound ?? first],
    ]);
    return queries
      .all(`SELECT * FROM ${from} WHERE ${sql} ORDER BY ${order} LIMIT ?`, [...values, limit + 1])
      .map(toReplication);
  });
  if (walks.length > 1) rows.sort((left, right) => (left.position < right.position ? 1 : -1));
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? page.at(-1)!.position : bound };
}

/** What became of one version; null where there is none. */
export function findReplication(queries: Queries, path: string, version: number): ReplicationRow | null {
  const row = queries.one('SELECT * FROM replications WHERE path = ? AND version = ?', [path, version]);
  return row === undefined ? null : toReplication(row);
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
    cause: {
      correlationId: row['correlation_id']!,
      causationId: row['causation_id'] ?? row['correlation_id']!,
      actor: row['actor']!,
    },
  };
}
