import type { Position } from '@holdfast/domain';
import { type Queries, where } from './queries.ts';

export interface AuditQuestion {
  readonly path?: string | undefined;
  readonly type?: string | undefined;
  readonly actor?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  /** Exclusive; null from the newest. */
  readonly before: Position | null;
  readonly limit: number;
}

/** Where the events that answer the question stand in the log, newest first. */
export function listAuditPositions(queries: Queries, question: AuditQuestion): Position[] {
  const { path, type, actor, from, to, before, limit } = question;
  const { sql, values } = where([
    ['path = ?', path],
    ['type = ?', type],
    ['actor = ?', actor],
    ['at >= ?', from?.toISOString()],
    ['at <= ?', to?.toISOString()],
    ['position < ?', before ?? undefined],
  ]);
  return queries
    .all(`SELECT position FROM audit WHERE ${sql} ORDER BY position DESC LIMIT ?`, [...values, limit])
    .map((row) => row['position'] as unknown as Position);
}
