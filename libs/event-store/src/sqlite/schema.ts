import { HoldfastError, type Position } from '@holdfast/domain';

/** What is in an event's place of its body; with `CHUNKS`, `body_reference` says which. */
export const BODY = { NONE: 0, HERE: 1, CHUNKS: 2 } as const;

/**
 * The event log. A position is a row number: positions are given out in the order of commits, as there is
 * one write transaction at a time, and never twice, as the last event of a stream, so of the log, is
 * never deleted.
 *
 *     events  position  stream           version  id    type              v  data  metadata  body_kind  body_reference
 *             1         system-log       0        uuid  LogCreated        1  JSON  JSON      0          null
 *             2         content-a.json   0        uuid  ContentPublished  1  JSON  JSON      1          null
 *             3         body-<sha256>    0        uuid  BodyChunk         1  JSON  JSON      1          null
 *             4         content-b.json   0        uuid  ContentPublished  1  JSON  JSON      2          JSON
 *     bodies  position, body    apart, so that reading events without their bodies passes over none
 */
export const MIGRATIONS = [
  `CREATE TABLE events (
     position INTEGER PRIMARY KEY,
     stream TEXT NOT NULL,
     version INTEGER NOT NULL,
     id TEXT NOT NULL,
     type TEXT NOT NULL,
     v INTEGER NOT NULL,
     data TEXT NOT NULL,
     metadata TEXT NOT NULL,
     body_kind INTEGER NOT NULL,
     body_reference TEXT
   ) STRICT;
   CREATE UNIQUE INDEX events_by_stream ON events (stream, version);
   CREATE INDEX events_by_id ON events (id);
   CREATE TABLE bodies (position INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;`,
] as const;

const POSITION_DIGITS = 16;

export const toPosition = (row: number): Position => String(row).padStart(POSITION_DIGITS, '0');

/** @throws LOG_MISMATCH for a position that another kind of log gave out */
export function toRow(position: Position): number {
  if (/^[0-9]{16}$/.test(position)) return Number(position);
  throw new HoldfastError(
    'LOG_MISMATCH',
    `The position ${JSON.stringify(position)} is none of this event log: what keeps it was made for another one.`,
    { context: { position } },
  );
}
