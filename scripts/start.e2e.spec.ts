import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { freePort, type Product, startProduct, waitFor } from '@holdfast/testing';

const START = fileURLToPath(new URL('start.ts', import.meta.url));
// Real processes on a machine that may have other work.
jest.setTimeout(60_000);

let product: Product;

beforeEach(async () => {
  product = await startProduct();
});

afterEach(() => product.stop());

/** A second supervisor, which is expected to give up. */
function startAnother(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const supervisor = spawn(process.execPath, [START], { env: { PATH: process.env.PATH, ...env } });
  let output = '';
  for (const stream of [supervisor.stdout, supervisor.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => supervisor.on('close', (code) => resolve({ code, output })));
}

const processesOf = (dataDir: string): string =>
  execFileSync('sh', [
    '-c',
    `grep -lsz "^HOLDFAST_DATA_DIR=${dataDir}$" /proc/[0-9]*/environ || true`,
  ]).toString();

describe('npm start', () => {
  it('ends with everything it started', async () => {
    expect(processesOf(product.dataDir).trim().split('\n')).toHaveLength(3);
    expect(await product.stop()).toBe(0);
    expect(processesOf(product.dataDir)).toBe('');
  });

  it.each(['api', 'projector'] as const)('brings back the %s after kill -9', async (name) => {
    const pid = product.children()[name] ?? 0;
    process.kill(pid, 'SIGKILL');
    await waitFor('another process', () => (product.children()[name] ?? pid) !== pid);
    await waitFor('readiness', async () => (await fetch(`${product.url}/readyz`)).ok);
  });

  it('gives up with a clear message when the port is taken', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-start-'));
    const port = new URL(product.url).port;
    const { code, output } = await startAnother({ HOLDFAST_DATA_DIR: dataDir, HOLDFAST_PORT: port });
    rmSync(dataDir, { recursive: true, force: true });
    expect(code).toBe(2);
    expect(output).toContain(`PORT_IN_USE: Port ${port} of 127.0.0.1 is taken`);
    expect(output).not.toContain('    at ');
  });

  it('gives up with a clear message when another instance holds the data directory', async () => {
    const port = String(await freePort());
    const { code, output } = await startAnother({ HOLDFAST_DATA_DIR: product.dataDir, HOLDFAST_PORT: port });
    expect(code).toBe(2);
    expect(output).toContain('DATA_DIR_IN_USE');
    expect(output).not.toContain('    at ');
    expect((await fetch(`${product.url}/readyz`)).ok).toBe(true);
  });
});
