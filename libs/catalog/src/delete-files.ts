import { rmSync } from 'node:fs';
import { databaseFiles } from '@holdfast/sqlite';

/** Deletes the catalog with what SQLite keeps beside it. A process that still has it open is not disturbed. */
export function deleteCatalogFiles(file: string): void {
  for (const name of databaseFiles(file)) rmSync(name);
}
