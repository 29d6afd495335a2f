import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import {
  type BodyReference,
  bodyStream,
  bodyUnreadable,
  decodeEvent,
  joinBody,
  type LogEntry,
  type LogFilter,
  type LogPage,
  type Position,
  type ReadLogOptions,
  type ReadStreamOptions,
  type RecordedEvent,
} from '@holdfast/domain';
import { BODY, toPosition, toRow } from './schema.ts';

/** How far one page looks for events that pass its filter. */
const SEARCH_WINDOW = 4_096;
/** A page with bodies ends once they exceed this. */
const PAGE_BYTES = 8 * 1024 * 1024;

/** The columns of `events`, in their order. */
type EventRow = [
  position: number,
  stream: string,
  version: number,
  id: string,
  type: string,
  v: number,
  data: string,
  metadata: string,
  bodyKind: number,
  bodyReference: string | null,
];

/** A statement with a bare `LIMIT ?` is prepared again each time, as SQLite plans for the number that is bound. */
const LIMIT = 'LIMIT ? + 0';
const LAST_ROW = 'SELECT max(position) AS position FROM events';

/** Reads from one connection; each method sees the log as of one moment, and holds nothing afterwards. */
export class EventReader {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** @throws EVENT_UNREADABLE */
  readStream(stream: string, options: ReadStreamOptions): RecordedEvent[] {
    const isForwards = options.direction !== 'backwards';
    const sql = isForwards
      ? `SELECT * FROM events WHERE stream = ? AND version >= ? ORDER BY version ${LIMIT}`
      : `SELECT * FROM events WHERE stream = ? AND version <= ? ORDER BY version DESC ${LIMIT}`;
    const from = options.fromVersion ?? (isForwards ? 0 : Number.MAX_SAFE_INTEGER);
    return this.#atOneMoment(() =>
      this.#rows(sql, stream, from, options.maxCount).map((row) => {
        const entry = this.#decode(row, options.withBodies);
        if (entry.type === 'Unreadable') throw entry.error;
        return entry;
      }),
    );
  }

  readLog(options: ReadLogOptions): LogPage {
    return this.#atOneMoment(() =>
      options.direction === 'backwards' ? this.#backwards(options) : this.#forwards(options),
    );
  }

  readAt(positions: readonly Position[], withBodies = false): LogEntry[] {
    return this.#atOneMoment(() =>
      positions.flatMap((position) =>
        this.#rows('SELECT * FROM events WHERE position = ?', toRow(position)).map((row) =>
          this.#decode(row, withBodies),
        ),
      ),
    );
  }

  /** Of the last event; 0 where there is none. */
  lastRow(): number {
    const [last] = this.#statement(LAST_ROW).get() as unknown as [number | null];
    return last ?? 0;
  }

  first(): LogEntry | null {
    const [row] = this.#rows('SELECT * FROM events ORDER BY position LIMIT 1');
    return row === undefined ? null : this.#decode(row);
  }

  #forwards({ after, maxCount, filter, withBodies }: ReadLogOptions): LogPage {
    const from = after === null ? 0 : toRow(after);
    const last = this.lastRow();
    if (last <= from) return { events: [], next: after, isEnd: true };
    const until = isFilter(filter) ? Math.min(from + SEARCH_WINDOW, last) : last;
    const { where, values } = conditions(filter);
    const sql = `SELECT * FROM events WHERE position > ? AND position <= ?${where} ORDER BY position ${LIMIT}`;
    const rows = this.#rows(sql, from, until, ...values, maxCount);
    const events = this.#decodePage(rows, withBodies);
    const isCut = events.length < rows.length || rows.length === maxCount;
    const reached = isCut ? (rows[events.length - 1]?.[0] ?? from) : until;
    return { events, next: toPosition(reached), isEnd: reached >= last };
  }

  #backwards({ after, maxCount, filter, withBodies }: ReadLogOptions): LogPage {
    const from = after === null ? this.lastRow() + 1 : toRow(after);
    const until = isFilter(filter) ? Math.max(from - SEARCH_WINDOW, 1) : 1;
    const { where, values } = conditions(filter);
    const sql = `SELECT * FROM events WHERE position < ? AND position >= ?${where} ORDER BY position DESC ${LIMIT}`;
    const rows = this.#rows(sql, from, until, ...values, maxCount);
    const events = this.#decodePage(rows, withBodies);
    const isCut = events.length < rows.length || rows.length === maxCount;
    const reached = isCut ? (rows[events.length - 1]?.[0] ?? from) : Math.min(until, from);
    return { events, next: reached === from ? after : toPosition(reached), isEnd: reached <= 1 };
  }

  /** @returns fewer than were given where their bodies fill the page */
  #decodePage(rows: readonly EventRow[], withBodies = false): LogEntry[] {
    const events: LogEntry[] = [];
    let bytes = 0;
    for (const row of rows) {
      if (bytes > PAGE_BYTES) break;
      const entry = this.#decode(row, withBodies);
      if (entry.type !== 'Unreadable') bytes += entry.body?.length ?? 0;
      events.push(entry);
    }
    return events;
  }

  #decode(row: EventRow, withBodies = false): LogEntry {
    const [position, stream, version, id, type, v, data, metadata, bodyKind, bodyReference] = row;
    const raw = { id, stream, version, position: toPosition(position), type, v, data, metadata };
    if (!withBodies || bodyKind === BODY.NONE) return decodeEvent(raw);
    let body: Uint8Array;
    try {
      body = bodyKind === BODY.HERE ? this.#body(position) : this.#chunks(bodyReference);
    } catch (error) {
      // The database itself fails, not this event.
      if ('errcode' in (error as object)) throw error;
      return bodyUnreadable(raw, error as Error);
    }
    return decodeEvent({ ...raw, body });
  }

  #body(position: number): Uint8Array {
    const sql = 'SELECT body FROM bodies WHERE position = ?';
    const row = this.#statement(sql).get(position) as unknown as [Uint8Array] | undefined;
    if (row === undefined) throw new Error('its body is missing');
    return row[0];
  }

  #chunks(referenceText: string | null): Uint8Array {
    const reference = JSON.parse(referenceText ?? 'null') as BodyReference | null;
    if (reference === null) throw new Error('where its body lies is missing');
    const sql =
      'SELECT body FROM events JOIN bodies USING (position) WHERE stream = ? AND version < ? ORDER BY version';
    const stream = bodyStream(reference.sha256);
    const rows = this.#statement(sql).all(stream, reference.chunks) as unknown as [Uint8Array][];
    return joinBody(
      reference,
      rows.map(([body]) => body),
    );
  }

  #rows(sql: string, ...values: SQLInputValue[]): EventRow[] {
    return this.#statement(sql).all(...values) as unknown as EventRow[];
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      // Each row that is an object has a shape of its own, which makes reading it slow.
      statement.setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #atOneMoment<T>(read: () => T): T {
    this.#db.exec('BEGIN');
    try {
      return read();
    } finally {
      if (this.#db.isTransaction) this.#db.exec('COMMIT');
    }
  }
}

const isFilter = (filter: LogFilter | undefined): boolean =>
  filter?.types !== undefined || filter?.streamPrefixes !== undefined;

function conditions(filter: LogFilter = {}): { where: string; values: string[] } {
  const { types, streamPrefixes } = filter;
  const oneOf = types?.map(() => '?').join(', ');
  const below = streamPrefixes?.map(() => 'instr(stream, ?) = 1').join(' OR ');
  const where = [
    ...(oneOf === undefined ? [] : [` AND type IN (${oneOf})`]),
    ...(below === undefined ? [] : [` AND (${below === '' ? 'FALSE' : below})`]),
  ].join('');
  return { where, values: [...(types ?? []), ...(streamPrefixes ?? [])] };
}
