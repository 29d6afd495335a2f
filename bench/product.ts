import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The product as a user starts it, over a data directory of its own, and gone afterwards. */
export interface Product {
  readonly url: string;
  readonly dataDir: string;
  /** Resident memory of each of its processes, by name, in MiB. */
  memory(): Record<string, number>;
  stop(): Promise<void>;
}

const START = new URL('../scripts/start.ts', import.meta.url).pathname;

export async function startProduct(options: {
  port: number;
  dataDir?: string;
  env?: Record<string, string>;
}): Promise<Product> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  const url = `http://127.0.0.1:${options.port}`;
  const env = {
    ...process.env,
    ...options.env,
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_PORT: String(options.port),
    HOLDFAST_LOG_LEVEL: 'warn',
  };
  const supervisor = spawn(process.execPath, [START], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  await waitFor(`${url} to be ready`, async () => (await fetch(`${url}/readyz`)).ok);
  return {
    url,
    dataDir,
    memory: () => residentMemory(supervisor),
    stop: async () => {
      const ended = new Promise((resolve) => supervisor.once('exit', resolve));
      supervisor.kill('SIGTERM');
      await ended;
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export async function waitFor(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  timeoutMs = 120_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      if (await isSo()) return;
    } catch {
      // Not reachable yet.
    }
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function residentMemory(supervisor: ChildProcess): Record<string, number> {
  const memory: Record<string, number> = {};
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const status = readFileSync(`/proc/${entry}/status`, 'utf8');
      if (!status.includes(`PPid:\t${supervisor.pid}\n`)) continue;
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      const name = command.includes('projector') ? 'projector' : 'api';
      memory[name] = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // The process ended while it was looked at.
    }
  }
  return memory;
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
