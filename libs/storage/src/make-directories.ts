import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errnoOf } from './file-errors.ts';

/**
 * Makes a directory and what is missing above it. `mkdirSync` with `recursive` would never return where a file
 * system says ENOENT below a directory that is there, as /proc does.
 * @returns those it made, the highest first
 * @throws as `mkdirSync`
 */
export function makeDirectories(directory: string): string[] {
  const path = resolve(directory);
  if (isDirectory(path)) return [];
  const above = dirname(path);
  const made = above === path ? [] : makeDirectories(above);
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    // Another process was faster.
    if (errnoOf(error) === 'EEXIST' && isDirectory(path)) return made;
    throw error;
  }
  return [...made, path];
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
