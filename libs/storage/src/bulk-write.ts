import type { FileOperations } from './file-operations.ts';
import { previousName } from './file-names.ts';

export interface BulkDocument {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What its `.prev` is to be; null: none. */
  readonly previous: Uint8Array | null;
}

/**
 * Writes documents into a tree that nobody reads yet. It imports nothing but files, as a thread that begins
 * with it should be there at once.
 * @param made  the directories below the root that are there already, by their relative path; added to
 * @throws what the system calls throw
 */
export function writeInBulk(
  root: string,
  files: FileOperations,
  made: Set<string>,
  documents: readonly BulkDocument[],
): void {
  for (const { path, bytes, previous } of documents) {
    const file = `${root}/${path}`;
    makeParent(root, files, made, path);
    writeNew(files, file, bytes);
    if (previous !== null) writeNew(files, previousName(file), previous);
  }
}

function makeParent(root: string, files: FileOperations, made: Set<string>, path: string): void {
  const slash = path.lastIndexOf('/');
  if (slash === -1) return;
  const parent = path.slice(0, slash);
  if (made.has(parent)) return;
  makeParent(root, files, made, parent);
  files.makeDirectory(`${root}/${parent}`);
  made.add(parent);
}

function writeNew(files: FileOperations, file: string, bytes: Uint8Array): void {
  const fd = files.createFile(file);
  try {
    files.write(fd, bytes);
  } finally {
    files.close(fd);
  }
}
