import { lstatSync } from 'node:fs';
import { compareUtf8, type ListedObject } from '@holdfast/domain';
import { isAbsent } from './bucket-error.ts';
import { modifiedMsOf, type ObjectRow, type ObjectRows, stampOf } from './object-rows.ts';

/** Rows of keys that are asked for in their order, read by the page: most objects of a listing are as they were put. */
export class ListedRows {
  readonly #rows: ObjectRows;
  readonly #folder: string;
  readonly #pageSize: number;
  #page: ReturnType<ObjectRows['stamps']> = [];
  #index = 0;
  /** There may be rows after the page. */
  #hasMore = true;

  constructor(rows: ObjectRows, folder: string, pageSize: number) {
    this.#rows = rows;
    this.#folder = folder;
    this.#pageSize = pageSize;
  }

  /**
   * @param key  after the one before, in a directory that is one
   * @returns null where the row is not of the file that is there: more has to be looked at
   */
  find(key: string): ListedObject | null {
    const row = this.#rowOf(key);
    if (row === null) return null;
    try {
      const stat = lstatSync(`${this.#folder}/${key}`, { bigint: true });
      return row.stamp === stampOf(stat)
        ? { key, bytes: Number(stat.size), etag: row.md5, modifiedMs: modifiedMsOf(stat) }
        : null;
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  #rowOf(key: string): Pick<ObjectRow, 'stamp' | 'md5'> | null {
    for (;;) {
      const row = this.#page[this.#index];
      if (row === undefined) {
        if (!this.#hasMore) return null;
        this.#page = this.#rows.stamps(key, this.#pageSize);
        this.#hasMore = this.#page.length === this.#pageSize;
        this.#index = 0;
        continue;
      }
      const order = row.key === key ? 0 : compareUtf8(row.key, key);
      if (order >= 0) return order === 0 ? row : null;
      this.#index += 1;
    }
  }
}
