import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directories: string[] = [];

/**
 * A new directory below the temporary one (`TMPDIR` says on which disk). All of them are removed at the end of the run and not
 * before: for some minutes after thousands of files were deleted, ext4 is ten times slower at creating new ones.
 */
export function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  directories.push(directory);
  return directory;
}

export function removeDirectories(): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

/** JSON documents of about the given size, all different, that compress as prose does. */
export function makeDocument(index: number, bytes: number): string {
  const words = [
    'algebra',
    'river',
    'history',
    'light',
    'number',
    'garden',
    'reading',
    'planet',
    'music',
    'letter',
  ];
  const lines: string[] = [];
  let seed = index * 2654435761 + 1;
  let size = 0;
  while (size < bytes - 120) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    const line = `${words[seed % 10]} ${words[(seed >> 4) % 10]} ${seed.toString(36)}`;
    lines.push(line);
    size += line.length + 3;
  }
  return JSON.stringify({ id: `u${index}`, title: `Unit ${index}`, lines });
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export const round = (value: number): number => Math.round(value * 100) / 100;

/** Counts files below a directory without keeping their names. */
export function countFiles(directory: string, suffix: string): number {
  let count = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) count += countFiles(path, suffix);
    else if (entry.name.endsWith(suffix) && statSync(path).isFile()) count += 1;
  }
  return count;
}

export const run = (command: string, args: string[], cwd: string): number => {
  const started = performance.now();
  execFileSync(command, args, { cwd, stdio: 'ignore' });
  return performance.now() - started;
};
