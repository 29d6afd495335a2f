import { type Queries, type Row, where } from './queries.ts';
import type { CatalogJob } from './rows.ts';

export function findJob(queries: Queries, id: string): CatalogJob | null {
  const row = queries.one('SELECT * FROM jobs WHERE id = ?', [id]);
  return row === undefined ? null : toJob(row);
}

/** Unfinished ones of a node, oldest first; or all, newest first. */
export function listJobs(
  queries: Queries,
  question: { unfinishedOn?: string | undefined; limit: number },
): CatalogJob[] {
  const { unfinishedOn, limit } = question;
  const { sql, values } = where([[`state IN ('requested', 'running') AND node = ?`, unfinishedOn]]);
  const order = unfinishedOn === undefined ? 'DESC' : 'ASC';
  return queries
    .all(`SELECT * FROM jobs WHERE ${sql} ORDER BY position ${order} LIMIT ?`, [...values, limit])
    .map(toJob);
}

function toJob(row: Row): CatalogJob {
  return {
    id: row['id']!,
    kind: row['kind']!,
    node: row['node']!,
    parameters: parse(row['parameters']) as CatalogJob['parameters'],
    state: row['state']!,
    position: row['position']!,
    actor: row['actor']!,
    requestedAt: row['requested_at']!,
    progress: parse(row['progress']) as CatalogJob['progress'],
    counts: (parse(row['counts']) ?? {}) as CatalogJob['counts'],
    error: parse(row['error']) as CatalogJob['error'],
    finishedAt: row['finished_at']!,
  };
}

const parse = (text: string | null | undefined): unknown => (text == null ? null : JSON.parse(text));
