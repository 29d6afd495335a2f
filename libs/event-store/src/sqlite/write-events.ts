import type { DatabaseSync } from 'node:sqlite';
import {
  type Appended,
  bodyStream,
  encodeChunkData,
  type EncodedEvent,
  type EventType,
  type ExpectedVersion,
  type HoldfastError,
  versionConflict,
} from '@holdfast/domain';
import { BODY, toPosition } from './schema.ts';

export interface PreparedAppend {
  readonly stream: string;
  readonly events: readonly EncodedEvent[];
  readonly expectedVersion: ExpectedVersion;
  readonly keepLatest: number | null;
}

/** Made once per connection, so that each statement is parsed once. Every call must be inside a write transaction. */
export type WriteEvents = (append: PreparedAppend) => Appended | HoldfastError;

interface Place {
  version: number;
  position: number;
}

/** @returns a function that appends, or returns the conflict, having written nothing */
export function prepareWriting(db: DatabaseSync): WriteEvents {
  const selectLast = db.prepare(
    'SELECT version, position FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1',
  );
  const selectIds = db.prepare(
    'SELECT id, version, position FROM events WHERE stream = ? AND version BETWEEN ? AND ? ORDER BY version',
  );
  const selectById = db.prepare('SELECT version, position FROM events WHERE id = ? AND stream = ?');
  const insertEvent = db.prepare('INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const insertBody = db.prepare('INSERT INTO bodies VALUES (?, ?)');
  const deleteBodies = db.prepare(
    'DELETE FROM bodies WHERE position IN (SELECT position FROM events WHERE stream = ? AND version <= ?)',
  );
  const deleteEvents = db.prepare('DELETE FROM events WHERE stream = ? AND version <= ?');

  /**
   * The rules of the EventStoreDB server (its CheckCommit).
   * @returns where the last of the events stands if all of them are there already, `new`, or `conflict`
   */
  function settle(append: PreparedAppend, last: Place | undefined): Place | 'new' | 'conflict' {
    const { stream, events, expectedVersion } = append;
    const actual = last?.version ?? -1;
    let expected = expectedVersion === 'none' ? -1 : expectedVersion;
    if (expected === 'any') {
      const places = events.map(({ id }) => selectById.get(id, stream) as Place | undefined);
      if (places.every((place) => place === undefined)) return 'new';
      expected = (places[0]?.version ?? 0) - 1;
    } else if (expected === actual) {
      return 'new';
    } else if (expected > actual) {
      return 'conflict';
    }
    const there = selectIds.all(stream, expected + 1, expected + events.length) as unknown as (Place & {
      id: string;
    })[];
    const isRepeat =
      there.length === events.length && there.every(({ id }, index) => id === events[index]?.id);
    return (isRepeat ? there.at(-1) : undefined) ?? 'conflict';
  }

  function insert(stream: string, version: number, event: EncodedEvent): number {
    const { id, type, v, data, metadata, body, cut } = event;
    const kind = cut !== null ? BODY.CHUNKS : body !== null ? BODY.HERE : BODY.NONE;
    const reference = cut === null ? null : JSON.stringify(cut.reference);
    const { lastInsertRowid } = insertEvent.run(
      stream,
      version,
      id,
      type,
      v,
      data,
      metadata,
      kind,
      reference,
    );
    if (body !== null) insertBody.run(lastInsertRowid, body);
    return Number(lastInsertRowid);
  }

  /** Chunks that are there already, of another document or an earlier try, are passed over. */
  function insertChunks({ cut, metadata }: EncodedEvent): void {
    if (cut === null) return;
    const stream = bodyStream(cut.reference.sha256);
    const last = selectLast.get(stream) as Place | undefined;
    for (const chunk of cut.chunks.slice((last?.version ?? -1) + 1)) {
      const { id, index, body } = chunk;
      const type: EventType = 'BodyChunk';
      const data = encodeChunkData(chunk, cut.reference);
      insert(stream, index, { id, type, v: 1, data, metadata, body, cut: null });
    }
  }

  return (append) => {
    const { stream, events, expectedVersion, keepLatest } = append;
    const last = selectLast.get(stream) as Place | undefined;
    const settled = settle(append, last);
    if (settled === 'conflict') return versionConflict(stream, expectedVersion, last?.version ?? null);
    if (settled !== 'new') return { version: settled.version, position: toPosition(settled.position) };

    let version = last?.version ?? -1;
    let position = 0;
    for (const event of events) {
      insertChunks(event);
      version += 1;
      position = insert(stream, version, event);
    }
    if (keepLatest !== null && version >= keepLatest) {
      deleteBodies.run(stream, version - keepLatest);
      deleteEvents.run(stream, version - keepLatest);
    }
    return { version, position: toPosition(position) };
  };
}
