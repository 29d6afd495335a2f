import { rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { hasCode, type HoldfastError } from '@holdfast/domain';
import { databaseFiles, inTransaction, openDatabase, translateSqliteError } from '@holdfast/sqlite';
import type { Alert } from './alert.ts';
import type { Notice } from './notice.ts';

/** A condition that holds. */
export interface RaisedAlert {
  readonly alert: Alert;
  readonly raisedAt: string;
  /** When people were told of it last. */
  readonly toldAt: string;
}

/** A notice on its way through one channel. */
export interface WaitingNotice {
  readonly channel: string;
  readonly notice: Notice;
  /** Not before; ms since 1970. */
  readonly dueAt: number;
}

export interface AlertState {
  readonly raised: readonly RaisedAlert[];
  /** In the order in which they are told. */
  readonly waiting: readonly WaitingNotice[];
  /** Names of all that were told; none in a file that was written before they were kept. */
  readonly channels: readonly string[];
}

const MIGRATIONS = [
  `
  CREATE TABLE raised (
    number INTEGER PRIMARY KEY,    -- the order of raising
    alert TEXT NOT NULL            -- a RaisedAlert as JSON
  );

  CREATE TABLE waiting (
    number INTEGER PRIMARY KEY,    -- the order of telling
    channel TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    notice TEXT NOT NULL           -- JSON
  );
  `,
  'CREATE TABLE channels (name TEXT NOT NULL)',
];

/**
 * What one process knows of its alerts, in a SQLite file of its own, so that it outlives a restart. The process has all
 * of it in memory too and goes on where the file cannot be opened or written; it is written as soon as it can be.
 */
export class AlertFile {
  readonly #file: string;
  #db: DatabaseSync | null = null;
  /** Of the newest state that was given, when it could not be written. */
  #problem: HoldfastError | null = null;
  #isWritten = true;

  constructor(file: string) {
    this.#file = file;
  }

  /** Why the newest state is not in the file; null where it is. */
  get problem(): HoldfastError | null {
    return this.#problem;
  }

  get isOpen(): boolean {
    return this.#db !== null;
  }

  /** @returns what it holds; null where it cannot be opened now. Never throws */
  open(): AlertState | null {
    try {
      this.#db = this.#openWhole();
      const state = readState(this.#db);
      this.#problem = null;
      return state;
    } catch (error) {
      this.close();
      this.#problem = this.#translate(error);
      return null;
    }
  }

  /** Replaces everything in it. Never throws: see {@link problem}. */
  write({ raised, waiting, channels }: AlertState): void {
    this.#isWritten = false;
    if (this.#db === null) return;
    const db = this.#db;
    try {
      inTransaction(db, () => {
        db.exec('DELETE FROM raised; DELETE FROM waiting; DELETE FROM channels');
        const addRaised = db.prepare('INSERT INTO raised (alert) VALUES (?)');
        for (const each of raised) addRaised.run(JSON.stringify(each));
        const addWaiting = db.prepare('INSERT INTO waiting (channel, due_at, notice) VALUES (?, ?, ?)');
        for (const { channel, dueAt, notice } of waiting)
          addWaiting.run(channel, dueAt, JSON.stringify(notice));
        const addChannel = db.prepare('INSERT INTO channels (name) VALUES (?)');
        for (const name of channels) addChannel.run(name);
      });
      this.#isWritten = true;
      this.#problem = null;
    } catch (error) {
      this.#problem = this.#translate(error);
    }
  }

  /** The newest state that was given is in it. */
  get isWritten(): boolean {
    return this.#isWritten;
  }

  close(): void {
    this.#db?.close();
    this.#db = null;
  }

  /** A damaged file tells nothing that the conditions do not tell again. */
  #openWhole(): DatabaseSync {
    const open = (): DatabaseSync =>
      openDatabase(this.#file, { durability: 'normal', migrations: MIGRATIONS, what: 'the alerts' });
    try {
      return open();
    } catch (error) {
      if (!hasCode(error, 'DATABASE_CORRUPT')) throw error;
      for (const name of databaseFiles(this.#file)) rmSync(name, { force: true });
      return open();
    }
  }

  #translate(error: unknown): HoldfastError {
    return translateSqliteError(error, {
      attempted: 'to keep the alerts',
      file: this.#file,
      busyCode: 'STORAGE_UNAVAILABLE',
    });
  }
}

function readState(db: DatabaseSync): AlertState {
  const raised = db.prepare('SELECT alert FROM raised ORDER BY number').all();
  const waiting = db.prepare('SELECT channel, due_at, notice FROM waiting ORDER BY number').all();
  const channels = db.prepare('SELECT name FROM channels').all();
  return {
    raised: raised.map((row) => JSON.parse(row['alert'] as string) as RaisedAlert),
    waiting: waiting.map((row) => ({
      channel: row['channel'] as string,
      dueAt: row['due_at'] as number,
      notice: JSON.parse(row['notice'] as string) as Notice,
    })),
    channels: channels.map((row) => row['name'] as string),
  };
}
