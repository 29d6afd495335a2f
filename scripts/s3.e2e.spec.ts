import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { waitFor } from '@holdfast/testing';
import { describeWithCeph } from '@holdfast/testing/s3-suite';

const MINUTES = 60_000;

let program: ChildProcess | null = null;
afterEach(() => {
  program?.kill('SIGKILL');
});

/** Runs the program until it has printed its variables. @returns what it printed */
async function startServer(): Promise<string> {
  const started = spawn(process.execPath, [join(import.meta.dirname, 's3.ts')], {
    // A test runner's own Node options are not the program's.
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  program = started;
  let output = '';
  for (const stream of [started.stdout, started.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  await waitFor(
    () => `the server to run; it printed:\n${output}`,
    () => output.includes('until Ctrl-C'),
    3 * MINUTES,
  );
  return output;
}

/** Command lines of the processes that were started with this in one of their arguments. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        // It ended meanwhile.
        return '';
      }
    })
    .filter((command) => command.includes(text));
}

describeWithCeph('npm run s3', () => {
  it(
    'prints how to reach the server, whose processes end with it even when it is killed',
    async () => {
      const output = await startServer();
      const variables = Object.fromEntries(
        [...output.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
      ) as Record<string, string>;
      expect(Object.keys(variables)).toEqual([
        'TEST_S3_ENDPOINT',
        'TEST_S3_REGION',
        'TEST_S3_ACCESS_KEY_ID',
        'TEST_S3_SECRET_ACCESS_KEY',
      ]);
      const endpoint = variables['TEST_S3_ENDPOINT'] ?? '';
      expect((await fetch(endpoint)).status).toBe(200);
      const folder = /runs in (\S+)/.exec(output)?.[1] ?? '';
      expect(processesWith(folder)).toHaveLength(3);

      program?.kill('SIGKILL');

      await waitFor('its processes to end', () => processesWith(folder).length === 0);
      await expect(fetch(endpoint)).rejects.toThrow();
    },
    5 * MINUTES,
  );
});
