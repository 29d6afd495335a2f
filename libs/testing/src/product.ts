import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventStoreEnvironment } from './event-store.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The programs as they run from the sources, or as they were built to a directory. */
const programsIn = (built?: string) => ({
  start: built === undefined ? join(ROOT, 'scripts/start.ts') : join(built, 'start.js'),
  holdfast: built === undefined ? join(ROOT, 'apps/cli/bin/holdfast.js') : join(built, 'cli/holdfast.js'),
});

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The product as a user starts it: the supervisor with its processes, over a data directory of its own. */
export interface Product {
  readonly url: string;
  readonly dataDir: string;
  /** Process ids of the children that live now, by name. */
  children(): Partial<Record<'api' | 'projector', number>>;
  /** Resident memory of each child, in MiB. */
  memory(): Partial<Record<'api' | 'projector', number>>;
  /** Runs `holdfast` against it. */
  holdfast(...args: string[]): Promise<CliResult>;
  /** GET of a JSON answer, whatever its status. */
  get<Answer>(path: string): Promise<Answer>;
  /** Ends the supervisor as Ctrl-C does. @returns its exit code */
  stop(): Promise<number | null>;
}

/**
 * Starts the product and waits until it is ready.
 * @param options.dataDir  kept afterwards; absent: a temporary one, removed by `stop`
 * @param options.built    the directory it was built to; absent: it runs from the sources
 */
export async function startProduct(
  options: { dataDir?: string; port?: number; env?: Record<string, string>; built?: string } = {},
): Promise<Product> {
  const programs = programsIn(options.built);
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'holdfast-product-'));
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const settings = { HOLDFAST_DATA_DIR: dataDir, HOLDFAST_PORT: String(port), HOLDFAST_LOG_LEVEL: 'warn' };
  const supervisor = spawn(process.execPath, [programs.start], {
    ...(options.built === undefined ? {} : { cwd: options.built }),
    // A test runner's own Node options are not the product's.
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      ...settings,
      ...eventStoreEnvironment(dataDir),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [supervisor.stdout, supervisor.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
    });
  }
  const ended = new Promise<number | null>((resolve) => supervisor.once('exit', resolve));
  await waitFor(
    () => `${url} to be ready; it printed:\n${output}`,
    async () => {
      if (supervisor.exitCode !== null) throw new Ended(`It ended with ${supervisor.exitCode}:\n${output}`);
      return (await fetch(`${url}/readyz`)).ok;
    },
  );
  return {
    url,
    dataDir,
    children: () => Object.fromEntries(childrenOf(supervisor).map(({ name, pid }) => [name, pid])),
    memory: () => Object.fromEntries(childrenOf(supervisor).map(({ name, mebibytes }) => [name, mebibytes])),
    holdfast: (...args) => runHoldfast(url, args, programs.holdfast),
    get: async (path) => (await fetch(`${url}${path}`)).json() as never,
    stop: async () => {
      supervisor.kill('SIGTERM');
      const code = await ended;
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
      return code;
    },
  };
}

export function runHoldfast(
  url: string,
  args: readonly string[],
  program = programsIn().holdfast,
): Promise<CliResult> {
  const env = { ...process.env, NODE_OPTIONS: '', HOLDFAST_URL: url };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env, maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Ends the waiting at once, where going on is of no use. */
class Ended extends Error {}

/**
 * Waits for a condition; a throw counts as "not yet".
 * @param what  for the error when time runs out
 */
export async function waitFor(
  what: string | (() => string),
  isSo: () => Promise<boolean> | boolean,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      if (await isSo()) return;
    } catch (error) {
      if (error instanceof Ended) throw error;
      lastError = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()}.`, {
        cause: lastError,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('The system gave no port.');
  return address.port;
}

/** From /proc, so on Linux only; empty elsewhere. */
function childrenOf(parent: ChildProcess): { name: 'api' | 'projector'; pid: number; mebibytes: number }[] {
  const pids = readable(() => readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)), []);
  return pids.flatMap((pid) => {
    const status = readable(() => readFileSync(`/proc/${pid}/status`, 'utf8'), '');
    if (!status.includes(`\nPPid:\t${parent.pid}\n`)) return [];
    const command = readable(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '');
    const mebibytes = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    return [
      {
        name: command.includes('projector') ? ('projector' as const) : ('api' as const),
        pid: Number(pid),
        mebibytes,
      },
    ];
  });
}

/** A process may end while it is looked at. */
function readable<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
