import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { bodyStream, systemClock } from '@holdfast/domain';
import { eventStoreContract, METADATA } from '@holdfast/domain/testing';
import { describe } from '@jest/globals';
import { openSqliteEventStore } from './sqlite-event-store.ts';

describe('SqliteEventStore', () => {
  eventStoreContract(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-log-'));
    const file = join(directory, 'events.db');
    const open = (): ReturnType<typeof openSqliteEventStore> =>
      openSqliteEventStore({ file, bellFile: `${file}.bell`, clock: systemClock, createIfMissing: true });

    /** As a damaged disk, or a newer version, would change the file. */
    const meddle = (sql: string, ...values: (string | number)[]): Promise<void> => {
      const db = new DatabaseSync(file);
      db.prepare(sql).run(...values);
      db.close();
      return Promise.resolve();
    };

    return {
      store: await open(),
      openSecond: open,
      writeForeign: ({ stream, id, type, v, data }) =>
        meddle(
          `INSERT INTO events SELECT NULL, ?1, coalesce(max(version) + 1, 0), ?2, ?3, ?4, ?5, ?6, 0, NULL
           FROM events WHERE stream = ?1`,
          stream,
          id,
          type,
          v,
          data,
          JSON.stringify(METADATA),
        ),
      loseFirstChunk: (sha256) =>
        meddle('DELETE FROM events WHERE stream = ? AND version = 0', bodyStream(sha256)),
      dispose: () => {
        rmSync(directory, { recursive: true });
      },
    };
  });
});
