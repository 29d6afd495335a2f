// `npm test`: formatting, then lint, types and tests of every project. The last line sums up all Jest results;
// a check that fails without naming a failed test (formatting, lint, types, a crashed test run) counts as one.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { startEventStoreDb } from '@holdfast/testing/event-store-db';
import { startTestS3 } from './test-s3.ts';

interface Task {
  project: string;
  target: string;
  status: string;
}

interface JestResults {
  numPassedTests: number;
  numFailedTests: number;
  numRuntimeErrorTestSuites: number;
  numPendingTests: number;
  numTodoTests: number;
}

const resultsFolder = 'test-results';
/** Where the tests of each target leave their results. */
const SUFFIXES: Readonly<Record<string, string>> = { test: '', 'test-esdb': '-esdb' };
const total = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

/** @returns whether it succeeded */
function run(script: string, args: readonly string[], env: Record<string, string> = {}): Promise<boolean> {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code === 0)));
}

function readJson<T>(file: string): T | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}

function fail(what: string): void {
  failures.push(what);
  total.failed += 1;
}

function count({ project, target, status }: Task): void {
  const suffix = SUFFIXES[target];
  const results =
    suffix === undefined ? undefined : readJson<JestResults>(`${resultsFolder}/${project}${suffix}.json`);
  const failed = results ? results.numFailedTests + results.numRuntimeErrorTestSuites : 0;
  const lacksResults = suffix !== undefined && results === undefined;

  total.passed += results?.numPassedTests ?? 0;
  total.skipped += results ? results.numPendingTests + results.numTodoTests : 0;
  total.failed += failed;

  if (failed > 0) failures.push(`${project}:${target}`);
  else if (lacksResults || status === 'failure' || status === 'skipped') fail(`${project}:${target}`);
}

rmSync(resultsFolder, { recursive: true, force: true });

const [isFormatted, s3] = await Promise.all([
  run('node_modules/prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']),
  startTestS3().catch((error: unknown) => {
    console.error(error);
    fail('S3 server');
    return null;
  }),
]);
if (!isFormatted) fail('format');
/** @param targets  of Nx, with the suites' environment */
async function runTargets(
  name: string,
  targets: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const tasksFile = `${resultsFolder}/tasks-${name}.json`;
  const ranAll = await run('node_modules/nx/dist/bin/nx.js', ['run-many', ...targets], {
    ...s3?.env,
    ...env,
    NX_TASK_RESULTS_FILE: tasksFile,
  });
  const hadFailed = total.failed;
  for (const task of readJson<Task[]>(tasksFile) ?? []) count(task);
  if (!ranAll && total.failed === hadFailed) fail(`nx ${targets.join(' ')}`);
}

await runTargets('parts', ['-t', 'lint', 'typecheck', 'test', '--exclude=workspace']);
// The suites of the whole product, which wait more than they work; beside them those that run again with their logs on
// EventStoreDB: on the server that is named, or the test server.
const named = process.env['TEST_ESDB'];
const log = named ? null : await startEventStoreDb();
await Promise.all([
  runTargets('whole', ['-t', 'lint', 'typecheck', 'test', '-p', 'workspace']),
  // One after the other: they share one server.
  runTargets('esdb', ['-t', 'test-esdb', '--parallel=1'], {
    TEST_EVENT_STORE: 'esdb',
    TEST_ESDB: named ?? log?.url ?? '',
  }),
]);
await log?.close();
await s3?.stop();

if (failures.length > 0) console.log(`\nFailed: ${failures.join(', ')}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;
