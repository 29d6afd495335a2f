import { HoldfastError, type Position } from '@holdfast/domain';
import { inTransaction, openDatabase, translateSqliteError } from '@holdfast/sqlite';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { INDEX_MIGRATIONS, INDEX_WHAT } from './index-schema.ts';
import { RECORDED_COLUMNS, type RecordedFile, type RecordedLiveFile } from './recorded-file.ts';

/** A path that is about to be changed, to the state that an event gives it. */
export interface Intent {
  readonly path: string;
  readonly version: number;
  readonly position: Position;
  /** The id in the names of the temporary files. */
  readonly temporary: string;
}

/** An event of which nothing could be made, and why. */
export interface PoisonRecord {
  readonly position: Position;
  readonly stream: string;
  readonly version: number;
  readonly code: string;
  readonly message: string;
  /** ISO instant. */
  readonly foundAt: string;
}

/** The event that a row of the index was made of. */
export interface RecordedEventRow {
  /** Of the row in its table. */
  readonly key: string;
  /** Null: it is an event of `stream`. */
  readonly path: string | null;
  readonly stream: string | null;
  readonly version: number;
  readonly position: Position;
  /** Of a live file. */
  readonly sha256: string | null;
}

export interface IndexCommit {
  /** What stands on disk now; settles the intents of these paths. */
  readonly files: readonly RecordedFile[];
  /** Paths whose intents came to nothing. */
  readonly abandoned?: readonly string[];
  readonly poison?: readonly PoisonRecord[];
  /** Never moves backwards: one before the index's own is ignored. */
  readonly checkpoint?: Position | null;
}

/**
 * The index of one generation, as its writer has it: which version of each path stands on disk. It says so only
 * of what is durable; a path with an intent may have been touched since.
 * All methods throw DISK_FULL (exhausted), STORAGE_UNAVAILABLE (transient), DATABASE_CORRUPT.
 */
export class GenerationIndex {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #statements;
  /** By path: the ids of their temporary files. */
  readonly #intents: Map<string, string>;
  readonly logId: string;
  #checkpoint: Position | null;

  /**
   * Makes the index of a new generation; its identity is on disk, outside the WAL, when this returns.
   * @param options.durability  `normal` while a generation is built, which the caller makes durable as a whole
   */
  static create(file: string, options: { logId: string; durability: 'full' | 'normal' }): GenerationIndex {
    const db = open(file, options.durability);
    translated(file, 'make', () => {
      db.prepare('INSERT INTO generation (only, log_id) VALUES (1, ?)').run(options.logId);
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    });
    return new GenerationIndex(file, db);
  }

  /** @throws as the class says; also SCHEMA_TOO_NEW, DATA_DIR_UNUSABLE */
  static open(file: string): GenerationIndex {
    return new GenerationIndex(file, open(file, 'full'));
  }

  private constructor(file: string, db: DatabaseSync) {
    this.#file = file;
    this.#db = db;
    const row = translated(file, 'read', () => db.prepare('SELECT log_id, checkpoint FROM generation').get());
    if (row === undefined) {
      db.close();
      throw new HoldfastError(
        'DATABASE_CORRUPT',
        `${INDEX_WHAT} (${file}) names no log: it was never finished.`,
        {
          context: { file },
        },
      );
    }
    this.logId = row['log_id'] as string;
    this.#checkpoint = row['checkpoint'] as Position | null;
    this.#statements = prepareStatements(db);
    this.#intents = new Map(this.intents().map(({ path, temporary }) => [path, temporary]));
  }

  /** Every content event up to here is on disk, or recorded as poison. */
  get checkpoint(): Position | null {
    return this.#checkpoint;
  }

  recorded(path: string): RecordedFile | null {
    return this.#ask(() => (this.#statements.recorded.get(path) as RecordedFile | undefined) ?? null);
  }

  /** The id of the temporary files of a path that a change may have touched; undefined where the index is sure. */
  intentOf(path: string): string | undefined {
    return this.#intents.get(path);
  }

  intents(): Intent[] {
    return this.#ask(() =>
      this.#db.prepare('SELECT path, version, position, temporary FROM intents ORDER BY position').all(),
    ) as unknown as Intent[];
  }

  /** Makes the intents durable, before anything is touched. */
  noteIntents(intents: readonly Intent[]): void {
    this.#write(() => {
      for (const { path, version, position, temporary } of intents) {
        this.#statements.noteIntent.run(path, version, position, temporary);
      }
    });
    for (const { path, temporary } of intents) this.#intents.set(path, temporary);
  }

  commit(commit: IndexCommit): void {
    const checkpoint = commit.checkpoint ?? null;
    const moves = checkpoint !== null && (this.#checkpoint === null || checkpoint > this.#checkpoint);
    this.#write(() => {
      for (const file of commit.files) {
        this.#statements.record.run(...recordedValues(file));
        if (this.#intents.has(file.path)) this.#statements.settleIntent.run(file.path);
      }
      for (const path of commit.abandoned ?? []) this.#statements.settleIntent.run(path);
      for (const poison of commit.poison ?? []) {
        const { position, stream, version, code, message, foundAt } = poison;
        this.#statements.recordPoison.run(position, stream, version, code, message, foundAt);
      }
      if (moves) this.#statements.moveCheckpoint.run(checkpoint);
    });
    for (const { path } of commit.files) this.#intents.delete(path);
    for (const path of commit.abandoned ?? []) this.#intents.delete(path);
    if (moves) this.#checkpoint = checkpoint;
  }

  poison(): PoisonRecord[] {
    return this.#ask(() =>
      this.#db
        .prepare(
          'SELECT position, stream, version, code, message, found_at AS foundAt FROM poison ORDER BY position',
        )
        .all(),
    ) as unknown as PoisonRecord[];
  }

  countLive(): number {
    return this.#ask(
      () => this.#db.prepare("SELECT count(*) AS live FROM files WHERE state = 'live'").get()?.['live'],
    ) as number;
  }

  /** At most so many live files, chosen at random, none that a change may have touched. */
  sampleLive(maxCount: number): RecordedLiveFile[] {
    return this.#ask(() =>
      this.#db
        .prepare(
          `SELECT ${RECORDED_COLUMNS} FROM files WHERE state = 'live' AND path NOT IN (SELECT path FROM intents)
           ORDER BY random() LIMIT ?`,
        )
        .all(maxCount),
    ) as unknown as RecordedLiveFile[];
  }

  /**
   * Gives every row the position that its event has by now, after the log was copied to another store. All rows or none. The
   * checkpoint moves to the last event that a row was made of up to it: the next ones come again, which is harmless.
   * @param locate  of these events, in the same order; throws where the log lacks one
   */
  async relocate(locate: (rows: readonly RecordedEventRow[]) => Promise<readonly Position[]>): Promise<void> {
    const before = this.#checkpoint;
    let checkpoint: Position | null = null;
    this.#ask(() => {
      this.#db.exec('BEGIN IMMEDIATE');
    });
    try {
      for (const { select, update, isDone } of RELOCATED) {
        for (let after = ''; ;) {
          const rows = this.#ask(() => this.#db.prepare(select).all(after)) as unknown as RecordedEventRow[];
          const positions = rows.length === 0 ? [] : await locate(rows);
          for (const [number, row] of rows.entries()) {
            const position = positions[number] as Position;
            this.#ask(() => this.#db.prepare(update).run(position, row.key));
            const isCovered = isDone && before !== null && row.position <= before;
            if (isCovered && (checkpoint === null || position > checkpoint)) checkpoint = position;
            after = row.key;
          }
          if (rows.length < RELOCATED_AT_ONCE) break;
        }
      }
      this.#ask(() => {
        this.#statements.moveCheckpoint.run(checkpoint);
        this.#db.exec('COMMIT');
      });
      this.#checkpoint = checkpoint;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #write(run: () => void): void {
    translated(this.#file, 'write', () => inTransaction(this.#db, run));
  }

  #ask<T>(run: () => T): T {
    return translated(this.#file, 'read', run);
  }
}

const RELOCATED_AT_ONCE = 500;

/** Which rows have positions, in the order of their keys; `isDone`: what they were made of is on disk, or never will be. */
const RELOCATED = [
  {
    select: `SELECT path AS key, path, NULL AS stream, version, position, sha256 FROM files
             WHERE path > ? ORDER BY path LIMIT ${RELOCATED_AT_ONCE}`,
    update: 'UPDATE files SET position = ? WHERE path = ?',
    isDone: true,
  },
  {
    select: `SELECT path AS key, path, NULL AS stream, version, position, NULL AS sha256 FROM intents
             WHERE path > ? ORDER BY path LIMIT ${RELOCATED_AT_ONCE}`,
    update: 'UPDATE intents SET position = ? WHERE path = ?',
    isDone: false,
  },
  {
    // By stream and version, which stay, as their own key does not.
    select: `SELECT stream || '@' || version AS key, NULL AS path, stream, version, position, NULL AS sha256 FROM poison
             WHERE key > ? ORDER BY key LIMIT ${RELOCATED_AT_ONCE}`,
    update: "UPDATE poison SET position = ? WHERE stream || '@' || version = ?",
    isDone: true,
  },
] as const;

const open = (file: string, durability: 'full' | 'normal'): DatabaseSync =>
  openDatabase(file, { durability, migrations: INDEX_MIGRATIONS, what: INDEX_WHAT });

function translated<T>(file: string, attempted: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const known = translateSqliteError(error, {
      attempted: `to ${attempted} ${INDEX_WHAT}`,
      file,
      busyCode: 'STORAGE_UNAVAILABLE',
    });
    // It could be used before: the file system became read-only, say, which may pass.
    if (known.code !== 'DATA_DIR_UNUSABLE') throw known;
    throw new HoldfastError('STORAGE_UNAVAILABLE', known.message, { context: known.context, cause: error });
  }
}

const recordedValues = (file: RecordedFile): SQLInputValue[] => [
  file.path,
  file.version,
  file.position,
  file.state,
  file.sha256,
  file.md5,
  file.bytes,
  file.contentType,
];

function prepareStatements(
  db: DatabaseSync,
): Record<
  'recorded' | 'record' | 'noteIntent' | 'settleIntent' | 'recordPoison' | 'moveCheckpoint',
  StatementSync
> {
  return {
    recorded: db.prepare(`SELECT ${RECORDED_COLUMNS} FROM files WHERE path = ?`),
    record: db.prepare('INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    noteIntent: db.prepare('INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?)'),
    settleIntent: db.prepare('DELETE FROM intents WHERE path = ?'),
    recordPoison: db.prepare('INSERT OR IGNORE INTO poison VALUES (?, ?, ?, ?, ?, ?)'),
    moveCheckpoint: db.prepare('UPDATE generation SET checkpoint = ?'),
  };
}
