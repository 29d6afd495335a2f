import { databaseFiles } from '@holdfast/sqlite';
import { rmSync } from 'node:fs';
import { dataPaths } from './data-paths.ts';
import { errnoOf, fileFailure } from './file-errors.ts';
import { type FileOperations, nodeFileOperations } from './file-operations.ts';
import {
  contentLinkTarget,
  generationIndexFile,
  type GenerationName,
  generationName,
  generationRoot,
  listGenerations,
  liveGeneration,
} from './generations.ts';
import { isFinished } from './finished-generation.ts';
import { removeTree } from './remove-tree.ts';

/**
 * Makes the empty directory of a new generation, with a number above all that are there or linked to.
 * @throws DISK_FULL, STORAGE_UNAVAILABLE
 */
export function makeGeneration(dataDir: string, files: FileOperations = nodeFileOperations): GenerationName {
  const taken = [...listGenerations(dataDir), liveGeneration(dataDir) ?? '0'].map(Number);
  const name = generationName(Math.max(...taken) + 1);
  const root = generationRoot(dataDir, name);
  try {
    files.makeDirectory(root);
    return name;
  } catch (error) {
    throw fileFailure(error, { attempted: 'make the directory', file: root });
  }
}

/**
 * Makes a generation the live one, durably: a reader who resolves the link sees the old one or this one.
 * @throws DISK_FULL, STORAGE_UNAVAILABLE; the old one may then be live still
 */
export function flipTo(
  dataDir: string,
  name: GenerationName,
  files: FileOperations = nodeFileOperations,
): void {
  const { contentLink, generations, root } = dataPaths(dataDir);
  const next = `${contentLink}.tmp`;
  try {
    files.flushPath(generations);
    removeIfThere(next, files);
    files.symlink(contentLinkTarget(name), next);
    files.rename(next, contentLink);
    files.flushPath(root);
  } catch (error) {
    throw fileFailure(error, { attempted: `make generation ${name} the live one by`, file: contentLink });
  }
}

/**
 * Removes a generation's index and files, in this order: what is left after a crash is no generation any more.
 * @throws STORAGE_UNAVAILABLE; a part may be left
 */
export async function removeGeneration(dataDir: string, name: GenerationName): Promise<void> {
  const indexFile = generationIndexFile(dataDir, name);
  try {
    for (const file of databaseFiles(indexFile)) rmSync(file, { force: true });
  } catch (error) {
    throw fileFailure(error, { attempted: 'remove the index', file: indexFile });
  }
  await removeTree(generationRoot(dataDir, name));
}

/**
 * Removes the builds that did not come to their end: what is neither live nor has a finished index. To be called
 * while nothing is being built.
 * @returns those removed
 * @throws STORAGE_UNAVAILABLE, after it has removed what can be removed
 */
export async function removeUnfinishedGenerations(dataDir: string): Promise<GenerationName[]> {
  const live = liveGeneration(dataDir);
  const others = listGenerations(dataDir).filter((name) => live === null || Number(name) !== Number(live));
  const removed = others.filter((name) => !isFinished(dataDir, name));
  await removeGenerations(dataDir, removed);
  return removed;
}

/**
 * Removes the generations that are newer than the live one (builds that were not flipped to), those that were never
 * finished, and those older than the `keep` last ones before it. Without a live one nothing is removed.
 * @returns those removed
 * @throws STORAGE_UNAVAILABLE, after it has removed what can be removed
 */
export async function trimGenerations(dataDir: string, keep: number): Promise<GenerationName[]> {
  const live = liveGeneration(dataDir);
  if (live === null) return [];
  const others = listGenerations(dataDir).filter((name) => Number(name) !== Number(live));
  const older = others.filter((name) => Number(name) < Number(live));
  const finished = older.filter((name) => isFinished(dataDir, name));
  const kept = new Set(finished.slice(Math.max(0, finished.length - keep)));
  const removed = others.filter((name) => !kept.has(name));
  await removeGenerations(dataDir, removed);
  return removed;
}

/** One that cannot be removed does not keep the others. */
async function removeGenerations(dataDir: string, names: readonly GenerationName[]): Promise<void> {
  const failures: unknown[] = [];
  for (const name of names) {
    await removeGeneration(dataDir, name).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

function removeIfThere(file: string, files: FileOperations): void {
  try {
    files.unlink(file);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
