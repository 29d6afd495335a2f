import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { contentStream, type EventStore, systemClock } from '@holdfast/domain';
import { path, published } from '@holdfast/domain/testing';
import { openEventStore } from '@holdfast/event-store';
import { eventStoreEnvironment, testEventStore } from '@holdfast/testing';

const MAIN = join(import.meta.dirname, 'main.ts');
const PATHS = Array.from({ length: 400 }, (_, index) => `lessons/${index % 7}/l${index}.json`);

let dataDir: string;
let running: Run[];

interface Run {
  readonly child: ChildProcess;
  readonly ready: Promise<unknown>;
  readonly ended: Promise<{ code: unknown; stderr: string }>;
}

/** The projector as the supervisor starts it. */
function run(env: Record<string, string> = {}): Run {
  const child = fork(MAIN, [], {
    env: {
      PATH: process.env['PATH'],
      HOLDFAST_DATA_DIR: dataDir,
      HOLDFAST_NODE: 'web-1',
      HOLDFAST_LOG_LEVEL: 'warn',
      ...eventStoreEnvironment(dataDir),
      ...env,
    },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // Not `close`, which does not come after a disconnect by hand.
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => ({ code: code ?? signal, stderr }));
  const started: Run = { child, ready: once(child, 'message'), ended };
  running.push(started);
  return started;
}

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-projector-'));
  running = [];
});

afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGKILL');
    await ended;
  }
  rmSync(dataDir, { recursive: true });
});

const openLog = async (): Promise<EventStore> =>
  (await openEventStore(testEventStore(dataDir), { clock: systemClock, createIfMissing: true })).store;

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Objects of the bucket with their texts. */
function bucketTexts(): Record<string, string> {
  const root = join(dataDir, 'bucket');
  if (!existsSync(root)) return {};
  return Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('.holdfast'))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(root.length + 1), readFileSync(file, 'utf8')]),
  );
}

it('ends with code 2 and one clear line where the environment is wrong', async () => {
  const { ended } = run({ HOLDFAST_CDN_CONCURRENCY: 'many', HOLDFAST_PROJECTORS: 'none' });
  const { code, stderr } = await ended;
  expect(code).toBe(2);
  expect(stderr).toMatch(/^CONFIG_INVALID: /);
  expect(stderr).toContain('HOLDFAST_CDN_CONCURRENCY');
  expect(stderr).toContain('HOLDFAST_PROJECTORS');
});

it('ends with code 2 where another has the data directory', async () => {
  await run().ready;
  const { code, stderr } = await run().ended;
  expect(code).toBe(2);
  expect(stderr).toMatch(/^DATA_DIR_IN_USE: .*\n$/);
});

it.each(['SIGTERM', 'SIGINT'] as const)('ends with code 0 within five seconds after %s', async (signal) => {
  const { child, ready, ended } = run();
  await ready;
  const asked = performance.now();
  child.kill(signal);
  expect(await ended).toEqual({ code: 0, stderr: '' });
  expect(performance.now() - asked).toBeLessThan(5_000);
});

it('ends by itself when its supervisor goes away', async () => {
  const { child, ready, ended } = run();
  await ready;
  child.disconnect();
  expect(await ended).toEqual({ code: 0, stderr: '' });
});

it('FR-025 brings everything to the bucket, though it is killed again and again while it replicates', async () => {
  const log = await openLog();
  for (const at of PATHS)
    await log.append(contentStream(path(at)), [published(at, { at, version: 0 })], 'none');
  const countOf = () => Object.keys(bucketTexts()).length;
  for (const count of [20, 120, 250]) {
    const { child, ended } = run({ HOLDFAST_CDN_CONCURRENCY: '4' });
    await until(`${count} objects`, () => countOf() >= count);
    child.kill('SIGKILL');
    expect((await ended).code).toBe('SIGKILL');
  }
  const last = run();
  for (const at of PATHS.slice(0, 50)) {
    await log.append(contentStream(path(at)), [published(at, { at, version: 1 })], 0);
  }
  const expected = Object.fromEntries(
    PATHS.map((at, index) => [at, JSON.stringify({ at, version: index < 50 ? 1 : 0 })]),
  );
  const outcomeOf = async (at: string) =>
    (await log.readStream(`replication-${at}`, { direction: 'backwards', maxCount: 1 }))[0];
  await until('every outcome', async () => {
    const lastVersions = await Promise.all(PATHS.map(outcomeOf));
    return lastVersions.every(
      (event, index) => event?.type === 'ContentReplicated' && event.data.version === (index < 50 ? 1 : 0),
    );
  });
  expect(bucketTexts()).toEqual(expected);
  last.child.kill('SIGTERM');
  expect((await last.ended).code).toBe(0);
  await log.close();
}, 60_000);
