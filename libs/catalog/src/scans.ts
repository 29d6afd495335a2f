import type { DriftSide, EventData, Finding, Position, Repair, ScanKind } from '@holdfast/domain';
import { type Queries, type Row, where } from './queries.ts';

/** One scan, as far as the log tells; its report once it is completed. */
export interface CatalogScan {
  readonly id: string;
  readonly jobId: string;
  readonly node: string;
  readonly kind: ScanKind;
  readonly repair: Repair;
  readonly state: 'running' | 'completed' | 'aborted';
  /** Of `ScanStarted`: the order of pages. */
  readonly position: Position;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Of `ScanCompleted` or `ScanAborted`. */
  readonly endedPosition: Position | null;
  readonly report: EventData<'ScanCompleted'> | null;
  readonly error: EventData<'ScanAborted'>['error'] | null;
}

/** A difference that has not been mended, as far as the log tells. */
export interface OpenDrift extends Finding {
  readonly node: string;
  /** The scan that found it first. */
  readonly scanId: string;
  readonly detectedAt: string;
}

export interface ScansQuestion {
  readonly node?: string | undefined;
  readonly kind?: ScanKind | undefined;
  readonly state?: CatalogScan['state'] | undefined;
  readonly limit: number;
}

export interface OpenDriftQuestion {
  readonly node?: string | undefined;
  readonly side?: DriftSide | undefined;
  readonly after: { readonly node: string; readonly side: DriftSide; readonly path: string } | null;
  readonly limit: number;
}

/** Newest first. */
export function listScans(queries: Queries, question: ScansQuestion): CatalogScan[] {
  const { sql, values } = where([
    ['node = ?', question.node],
    ['kind = ?', question.kind],
    ['state = ?', question.state],
  ]);
  return queries
    .all(`SELECT * FROM scans WHERE ${sql} ORDER BY position DESC LIMIT ?`, [...values, question.limit])
    .map(toScan);
}

/** @param id  of the scan, or of its job, whose latest scan it then is */
export function findScan(queries: Queries, id: string): CatalogScan | null {
  const row = queries.one('SELECT * FROM scans WHERE id = ? OR job_id = ? ORDER BY position DESC LIMIT 1', [
    id,
    id,
  ]);
  return row === undefined ? null : toScan(row);
}

/** By node, side and path. */
export function listOpenDrift(queries: Queries, question: OpenDriftQuestion): OpenDrift[] {
  const { node, side, after, limit } = question;
  const { sql, values } = where([
    ['node = ?', node],
    ['side = ?', side],
  ]);
  const [beyond, from] =
    after === null ? ['TRUE', []] : ['(node, side, path) > (?, ?, ?)', [after.node, after.side, after.path]];
  return queries
    .all(`SELECT * FROM drift WHERE ${sql} AND ${beyond} ORDER BY node, side, path LIMIT ?`, [
      ...values,
      ...from,
      limit,
    ])
    .map(toOpenDrift);
}

export interface DriftPlace {
  /** Undefined: whichever; the bucket is one for all of them. */
  readonly node?: string | undefined;
  readonly side: DriftSide;
  readonly path: string;
}

export function findOpenDrift(queries: Queries, { node, side, path }: DriftPlace): OpenDrift | null {
  const { sql, values } = where([
    ['side = ?', side],
    ['path = ?', path],
    ['node = ?', node],
  ]);
  const row = queries.one(`SELECT * FROM drift WHERE ${sql} LIMIT 1`, values);
  return row === undefined ? null : toOpenDrift(row);
}

export function countOpenDrift(queries: Queries, node?: string): number {
  const { sql, values } = where([['node = ?', node]]);
  return queries.one(`SELECT count(*) AS count FROM drift WHERE ${sql}`, values)?.['count'] ?? 0;
}

const toOpenDrift = (row: Row): OpenDrift => ({
  node: row['node']!,
  side: row['side']!,
  path: row['path']!,
  outcome: row['outcome']!,
  subject: row['subject']!,
  expected: row['expected']!,
  found: row['found']!,
  scanId: row['scan_id']!,
  detectedAt: row['detected_at']!,
});

function toScan(row: Row): CatalogScan {
  return {
    id: row['id']!,
    jobId: row['job_id']!,
    node: row['node']!,
    kind: row['kind']!,
    repair: row['repair']!,
    state: row['state']!,
    position: row['position']!,
    startedAt: row['started_at']!,
    endedAt: row['ended_at']!,
    endedPosition: row['ended_position']!,
    report: parse(row['report']) as CatalogScan['report'],
    error: parse(row['error']) as CatalogScan['error'],
  };
}

const parse = (text: string | null | undefined): unknown => (text == null ? null : JSON.parse(text));
