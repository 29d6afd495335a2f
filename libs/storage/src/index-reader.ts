import type { Position } from '@holdfast/domain';
import { openDatabase, translateSqliteError } from '@holdfast/sqlite';
import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { generationIndexFile, type GenerationName } from './generations.ts';
import { INDEX_MIGRATIONS, INDEX_WHAT } from './index-schema.ts';
import { RECORDED_COLUMNS, type RecordedFile } from './recorded-file.ts';

/** One generation's index, read beside the projector that writes it. */
export class IndexReader {
  readonly generation: GenerationName;
  readonly #file: string;
  readonly #inode: bigint | null;
  readonly #db: DatabaseSync;
  readonly #recorded: StatementSync;
  readonly #checkpoint: StatementSync;
  readonly #dataVersion: StatementSync;

  /**
   * @returns null where the index is not there (any more)
   * @throws  STORAGE_UNAVAILABLE, SCHEMA_TOO_NEW, DATABASE_CORRUPT, DATA_DIR_UNUSABLE
   */
  static open(dataDir: string, generation: GenerationName): IndexReader | null {
    const file = generationIndexFile(dataDir, generation);
    if (inodeOf(file) === null) return null;
    try {
      return new IndexReader(file, generation);
    } catch (error) {
      if (inodeOf(file) === null) return null;
      throw error;
    }
  }

  private constructor(file: string, generation: GenerationName) {
    this.generation = generation;
    this.#file = file;
    this.#inode = inodeOf(file);
    this.#db = openDatabase(file, {
      durability: 'normal',
      readOnly: true,
      migrations: INDEX_MIGRATIONS,
      what: INDEX_WHAT,
    });
    this.#recorded = this.#db.prepare(`SELECT ${RECORDED_COLUMNS} FROM files WHERE path = ?`);
    this.#checkpoint = this.#db.prepare('SELECT checkpoint FROM generation');
    this.#dataVersion = this.#db.prepare('PRAGMA data_version');
  }

  /** False once the file was deleted or replaced under its name: what is open then is nobody's any more. */
  isSameFile(): boolean {
    return this.#inode === inodeOf(this.#file);
  }

  recorded(path: string): RecordedFile | null {
    return this.#ask(() => (this.#recorded.get(path) as RecordedFile | undefined) ?? null);
  }

  checkpoint(): Position | null {
    return this.#ask(() => (this.#checkpoint.get()?.['checkpoint'] as Position | null | undefined) ?? null);
  }

  /** The positions of the events that changes were under way to. */
  intentPositions(): Position[] {
    return this.#ask(() =>
      this.#db
        .prepare('SELECT position FROM intents')
        .all()
        .map((row) => row['position'] as Position),
    );
  }

  /** Of some file; null where there is none. */
  anyPosition(): Position | null {
    return this.#ask(
      () =>
        (this.#db.prepare('SELECT position FROM files LIMIT 1').get()?.['position'] as
          Position | undefined) ?? null,
    );
  }

  /** Another after each commit of the projector. */
  commitMark(): number {
    return this.#ask(() => this.#dataVersion.get()?.['data_version'] as number);
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #ask<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw translateSqliteError(error, {
        attempted: `to read ${INDEX_WHAT}`,
        file: this.#file,
        busyCode: 'STORAGE_UNAVAILABLE',
      });
    }
  }
}

const inodeOf = (file: string): bigint | null =>
  statSync(file, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
