import type { AlertCode, AlertSeverity, EventData, Position } from '@holdfast/domain';
import { type Queries, type Row, where } from './queries.ts';

/** One time that a condition held, as far as the log tells. */
export interface CatalogAlert {
  readonly code: AlertCode;
  readonly subject: string;
  readonly severity: AlertSeverity;
  readonly message: string;
  readonly details: EventData<'AlertRaised'>['details'];
  readonly raised: AlertEvent;
  /** Null while it holds. */
  readonly cleared: (AlertEvent & { readonly message: string }) | null;
}

/** The event that began or ended it. */
export interface AlertEvent {
  readonly position: Position;
  readonly at: string;
  readonly actor: string;
}

export interface AlertsQuestion {
  /** Absent: both. */
  readonly isOpen?: boolean | undefined;
  readonly code?: AlertCode | undefined;
  /** Exclusive, of the event that raised it; null from the newest. */
  readonly before: Position | null;
  readonly limit: number;
}

/** Newest first. */
export function listAlerts(queries: Queries, question: AlertsQuestion): CatalogAlert[] {
  const { isOpen, code, before, limit } = question;
  const { sql, values } = where([
    ['code = ?', code],
    ['position < ?', before ?? undefined],
  ]);
  const state = isOpen === undefined ? 'TRUE' : isOpen ? 'cleared_at IS NULL' : 'cleared_at IS NOT NULL';
  return queries
    .all(`SELECT * FROM alerts WHERE ${sql} AND ${state} ORDER BY position DESC LIMIT ?`, [...values, limit])
    .map(toAlert);
}

function toAlert(row: Row): CatalogAlert {
  return {
    code: row['code']!,
    subject: row['subject']!,
    severity: row['severity']!,
    message: row['message']!,
    details: JSON.parse(row['details']!) as CatalogAlert['details'],
    raised: { position: row['position']!, at: row['raised_at']!, actor: row['raised_by']! },
    cleared:
      row['cleared_at'] === null
        ? null
        : {
            position: row['cleared_position']!,
            at: row['cleared_at']!,
            actor: row['cleared_by']!,
            message: row['cleared_message']!,
          },
  };
}
