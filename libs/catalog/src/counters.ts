import type { DatabaseSync } from 'node:sqlite';

/** Counts kept up to date with each page, so that asking costs nothing at ten million documents. */
export class Counters {
  readonly #values = new Map<string, number>();
  readonly #changed = new Set<string>();

  constructor(db: DatabaseSync) {
    for (const row of db.prepare('SELECT name, value FROM counters').all()) {
      this.#values.set(row['name'] as string, row['value'] as number);
    }
  }

  get(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  add(name: string, by: number): void {
    this.#values.set(name, this.get(name) + by);
    this.#changed.add(name);
  }

  /** Part of the page's transaction. */
  save(db: DatabaseSync): void {
    const save = db.prepare(
      'INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    for (const name of this.#changed) save.run(name, this.get(name));
    this.#changed.clear();
  }
}
