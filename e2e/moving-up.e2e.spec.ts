import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditEvent, HealthAnswer } from '@holdfast/api/types';
import { hasEmbeddedLog, type Product, startProduct, waitFor } from '@holdfast/testing';
import { type EventStoreDbServer, startEventStoreDb } from '@holdfast/testing/event-store-db';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

const HOLDFAST = fileURLToPath(new URL('../apps/cli/bin/holdfast.js', import.meta.url));
const DOCUMENTS = 120;

jest.setTimeout(120_000);

let server: EventStoreDbServer;
let dataDir: string;

beforeAll(async () => {
  server = await startEventStoreDb();
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-moving-'));
});

afterAll(async () => {
  await server.close();
  rmSync(dataDir, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a user runs it. */
function copyLog(onStarted: (kill: () => void) => void = () => undefined): Promise<Ended> {
  const child = spawn(process.execPath, [HOLDFAST, 'log', 'copy', '--json'], {
    env: { ...process.env, NODE_OPTIONS: '', HOLDFAST_DATA_DIR: dataDir, HOLDFAST_EVENT_STORE: server.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      output[name] += chunk.toString();
    });
  }
  onStarted(() => child.kill('SIGKILL'));
  return new Promise((resolve) => {
    child.once('close', (code) => {
      resolve({ code, ...output });
    });
  });
}

async function publish({ url }: Product, path: string, document: unknown): Promise<number> {
  const answer = await fetch(`${url}/v1/content/${path}?wait=cdn`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(document),
  });
  expect(answer.ok).toBe(true);
  return ((await answer.json()) as { version: number }).version;
}

/** Each file of the tree with its inode and bytes: a file that was written again has another inode. */
function filesOf(directory: string): Record<string, string> {
  const root = join(dataDir, directory);
  const files = readdirSync(`${root}/`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    files.map((file) => [relative(root, file), `${statSync(file).ino} ${readFileSync(file, 'utf8')}`]),
  );
}

const auditOf = async (product: Product): Promise<string[]> => {
  const { events } = await product.get<{ events: AuditEvent[] }>('/v1/audit?limit=1000');
  return events.filter(({ type }) => !type.startsWith('Node')).map(({ id, type }) => `${type} ${id}`);
};

const isWell = async (product: Product): Promise<void> => {
  await waitFor('the product to be well', async () => {
    const { alerts } = await product.get<{ alerts: unknown[] }>('/v1/alerts');
    const health = await product.get<HealthAnswer>('/v1/health');
    return alerts.length === 0 && health.status === 'ok';
  });
};

// It begins with the embedded log, whatever the other suites have.
(hasEmbeddedLog() ? describe : describe.skip)('moving up to EventStoreDB', () => {
  let before: { files: Record<string, string>; audit: string[] };

  it('begins on one machine', async () => {
    const product = await startProduct({ dataDir });
    for (let count = 0; count < DOCUMENTS; count += 1) {
      await publish(product, `units/u${count % 50}.json`, { count });
    }
    await publish(product, 'units/gone.json', {});
    await fetch(`${product.url}/v1/content/units/gone.json`, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
    });
    await publish(product, 'large.json', 'x'.repeat(900_000));
    const running = await copyLog();
    expect([running.code, JSON.parse(running.stdout)]).toMatchObject([1, { complete: false }]);
    await publish(product, 'units/u0.json', 'published after the first copy');
    await isWell(product);
    const audit = await auditOf(product);
    expect(await product.stop()).toBe(0);
    before = { files: filesOf('content'), audit };
    // The next tests are about a copy from the beginning.
    server.stop();
    await server.start({ keepData: false });
  });

  it('the copy goes on after kill -9, and doubles nothing', async () => {
    server.faults.delayMs = 4;
    let kills = 0;
    while (kills < 3) {
      const from = server.calls['Append'] ?? 0;
      const ended = await copyLog((kill) => {
        void waitFor('some events to be copied', () => (server.calls['Append'] ?? 0) - from > 40).then(
          kill,
          () => undefined,
        );
      });
      expect(ended.code).toBeNull();
      kills += 1;
    }
    server.faults.delayMs = 0;
    const last = await copyLog();
    expect(last.stderr).toBe('');
    const { events, copied, complete } = JSON.parse(last.stdout) as Record<string, number | boolean>;
    expect(complete).toBe(true);
    expect(copied).toBeGreaterThan(0);
    expect(copied).toBeLessThan(events as number);
    expect(last.code).toBe(0);
    expect(JSON.parse((await copyLog()).stdout)).toMatchObject({ events, copied: 0, complete: true });
  });

  it('the product goes on over the same data directory, and writes no file again', async () => {
    const product = await startProduct({ dataDir, env: { HOLDFAST_EVENT_STORE: server.url } });
    await isWell(product);
    expect(filesOf('content')).toEqual(before.files);
    const audit = await auditOf(product);
    expect(audit.filter((event) => !before.audit.includes(event))).toEqual([]);
    expect(before.audit.filter((event) => !audit.includes(event))).toEqual([]);
    expect(await publish(product, 'units/u49.json', 'published there')).toBe(2);
    expect(readFileSync(join(dataDir, 'content/units/u49.json'), 'utf8')).toBe('"published there"');
    expect((await product.holdfast('verify', '--full')).code).toBe(0);
    expect(existsSync(join(dataDir, 'generations/000002'))).toBe(false);
    expect(await product.stop()).toBe(0);
  });

  it('goes on after the next restart as ever', async () => {
    const product = await startProduct({ dataDir, env: { HOLDFAST_EVENT_STORE: server.url } });
    expect(await publish(product, 'units/u49.json', 'and again')).toBe(3);
    await isWell(product);
    expect(await product.stop()).toBe(0);
  });

  it('the copy refuses to be made again once it is in use', async () => {
    const copied = await copyLog();
    expect([copied.code, copied.stderr]).toEqual([1, expect.stringContaining('LOG_COPY_REFUSED')]);
  });
});
