import { rmSync } from 'node:fs';

/** Deletes the catalog with what SQLite keeps beside it. A process that still has it open is not disturbed. */
export function deleteCatalogFiles(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
}
