import type { Replication, ReplicationList } from '@holdfast/api/types';
import type { Output } from '../output/output.ts';
import type { Cell } from '../output/table.ts';

/**
 * One row for each version. The path comes last, where nothing follows it on the line: right-to-left letters would
 * reorder that.
 */
export function showReplications(output: Output, rows: readonly Replication[]): void {
  output.table(
    ['Status', 'Version', 'Action', 'Attempts', 'Queued', 'Path'],
    rows.map(({ status, version, action, attempts, queuedAt, path }) => [
      status,
      version,
      action,
      attempts,
      showInstant(queuedAt),
      path,
    ]),
    rows.map(explain),
  );
}

/** What an auditor asks of one document: everything that is known of each version, newest first. */
export function showHistory(output: Output, rows: readonly Replication[]): void {
  output.line(rows[0]?.path);
  for (const row of rows) {
    output.line();
    output.table([`Version ${row.version}`, `${row.status} (${row.action})`], describe(row));
  }
}

/** How many there are in all, whatever the rows above were narrowed to. */
export function showCounts(output: Output, counts: ReplicationList['counts']): void {
  const told = Object.entries(counts).filter(([, count]) => count > 0);
  if (told.length === 0) return;
  output.line(`In the whole log: ${told.map(([status, count]) => `${count} ${status}`).join(', ')}.`);
}

/** Why a version is not in the bucket. */
function explain({ status, error, nextRetryAt }: Replication): string | null {
  if (error === null) return null;
  const reason = `${error.code}: ${error.message}`;
  if (status === 'failed') return `next attempt ${showInstant(nextRetryAt)}, after ${reason}`;
  return status === 'queued' ? `asked for again after ${reason}` : reason;
}

function describe(row: Replication): Cell[][] {
  const { cause, queuedAt, startedAt, endedAt, nextRetryAt, error } = row;
  const { attempts, localSha256, cdnSha256, etag, verified } = row;
  return [
    [row.action === 'put' ? 'Published' : 'Deleted', `${showInstant(queuedAt)} by ${cause.actor}`],
    ['Request', cause.correlationId],
    ...(cause.causationId === cause.correlationId ? [] : [['Job event', cause.causationId]]),
    ['Attempts', `${attempts}`],
    ['Last began', showInstant(startedAt)],
    ['Last ended', showInstant(endedAt)],
    ['Next attempt', showInstant(nextRetryAt)],
    ['Local SHA-256', localSha256],
    ['CDN SHA-256', cdnSha256],
    ['ETag', etag],
    ['Verified', verified ? 'yes' : 'no'],
    ['Error', error === null ? null : `${error.code}: ${error.message}`],
  ];
}

/** To the second: nobody reads further. */
const showInstant = (instant: string | null): string => instant?.replace(/\.\d+Z$/, 'Z') ?? '-';
