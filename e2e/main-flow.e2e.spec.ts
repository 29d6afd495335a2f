import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  eventStoreEnvironment,
  hasEmbeddedLog,
  type Product,
  startMailServer,
  startProduct,
  waitFor,
} from '@holdfast/testing';

// A tree that nobody here wrote: 3,174 JSON files in some 700 locales.
const SOURCE = dirname(createRequire(import.meta.url).resolve('cldr-localenames-full/package.json'));
const DOCUMENTS = execFileSync('find', [SOURCE, '-name', '*.json']).toString().trim().split('\n').length;
const MINUTES = 60_000;

let dataDir: string;
let product: Product;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-e2e-'));
  product = await startProduct({ dataDir, env: { HOLDFAST_CDN_BASE_URL: 'https://cdn.example' } });
});

afterEach(async () => {
  await product.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

interface Health {
  readonly documents: { published: number };
  readonly replications: Record<string, number>;
}

const publishTree = () => product.holdfast('publish', SOURCE, '--into', 'cldr', '--json');

const isReplicated = async (): Promise<boolean> => {
  const health = await product.get<Health>('/v1/health');
  return health.documents.published === DOCUMENTS && health.replications['success'] === DOCUMENTS;
};

/** `diff -r` of the source against a tree made from it; the names it may lack are no JSON. */
function differences(tree: string): string[] {
  try {
    execFileSync('diff', ['-r', '-x', '*.md', '-x', 'LICENSE', '-x', '.*', SOURCE, tree]);
    return [];
  } catch (error) {
    return String((error as { stdout: Buffer }).stdout)
      .trim()
      .split('\n');
  }
}

const live = (...parts: string[]): string => join(dataDir, 'content', ...parts);
const bucket = (...parts: string[]): string => join(dataDir, 'bucket', ...parts);

describe('a real tree', () => {
  it(
    'reaches disk and bucket byte for byte, and publishing it again changes nothing',
    async () => {
      const published = await publishTree();
      expect({ ...published, stdout: JSON.parse(published.stdout) as unknown }).toMatchObject({
        code: 0,
        stdout: { published: DOCUMENTS, failed: 0 },
      });
      await waitFor('the replica', isReplicated, 2 * MINUTES);
      expect(differences(live('cldr'))).toEqual([]);
      expect(differences(bucket('cldr'))).toEqual([]);

      const again = await publishTree();
      expect(JSON.parse(again.stdout)).toMatchObject({ published: 0, unchanged: DOCUMENTS, failed: 0 });
      const status = await product.holdfast('status');
      expect([status.code, status.stderr]).toEqual([0, '']);
    },
    3 * MINUTES,
  );

  it(
    'ES-003 comes back when content, indexes, catalogs and bucket are deleted',
    async () => {
      await publishTree();
      await waitFor('the replica', isReplicated, 2 * MINUTES);
      await product.stop();
      for (const name of readdirSync(dataDir)) {
        if (!name.startsWith('events.db')) rmSync(join(dataDir, name), { recursive: true });
      }
      product = await startProduct({ dataDir });
      await waitFor('the tree', () => existsSync(live()) && differences(live('cldr')).length === 0, MINUTES);
      await waitFor('the replica', isReplicated, 2 * MINUTES);
      expect(differences(bucket('cldr'))).toEqual([]);
    },
    4 * MINUTES,
  );

  it.each(['api', 'projector'] as const)(
    'is whole after kill -9 of the %s in the middle of publishing it',
    async (name) => {
      const publishing = publishTree();
      await waitFor(
        'a part of it',
        () => existsSync(live('cldr', 'main')) && readdirSync(live('cldr', 'main')).length > 50,
      );
      const pid = product.children()[name];
      process.kill(pid ?? 0, 'SIGKILL');
      const first = await publishing;
      // What the API acknowledged before it died is kept; the client is told to run the same command again.
      expect(first.code).toBe(name === 'api' ? 3 : 0);
      await waitFor('the process to be back', async () => (await fetch(`${product.url}/readyz`)).ok);
      expect(product.children()[name]).not.toBe(pid);
      const second = await publishTree();
      expect([second.code, second.stderr]).toEqual([0, '']);
      await waitFor('the replica', isReplicated, 2 * MINUTES);
      expect(differences(live('cldr'))).toEqual([]);
      expect(differences(bucket('cldr'))).toEqual([]);
      const leftovers = execFileSync('find', [dataDir, '-name', '*.tmp.*']).toString();
      expect(leftovers).toBe('');
    },
    4 * MINUTES,
  );
});

describe('a reader', () => {
  it(
    'never misses a live file during 1,000 overwrites',
    async () => {
      const put = (version: number) =>
        fetch(`${product.url}/v1/content/units/u1.json?wait=local`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ version, filling: 'x'.repeat(20_000) }),
        });
      await put(0);
      const reader = spawn(process.execPath, ['-e', READER, live('units', 'u1.json')]);
      let report = '';
      reader.stdout.on('data', (chunk: Buffer) => (report += chunk.toString()));
      const ended = new Promise((resolve) => reader.once('exit', resolve));
      for (let version = 1; version <= 1_000; version += 10) {
        const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => put(version + index)));
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      }
      reader.kill('SIGTERM');
      await ended;
      const { opened, missed, torn } = JSON.parse(report) as Record<string, number>;
      expect({ missed, torn }).toEqual({ missed: 0, torn: 0 });
      expect(opened).toBeGreaterThan(1_000);
    },
    2 * MINUTES,
  );

  it(
    'FR-012 SC-002 is sent to the new origin from the answer to a mode change on, while requests run',
    async () => {
      const headers = { 'content-type': 'application/json' };
      await fetch(`${product.url}/v1/content/a.json?wait=cdn`, { method: 'PUT', headers, body: '{}' });
      const resolve = async (): Promise<string> =>
        (await product.get<{ origin: string }>('/v1/url/a.json')).origin;
      for (let index = 0; index < 50; index += 1) {
        const localFallback = index % 2 === 0;
        const during = Array.from({ length: 5 }, resolve);
        await fetch(`${product.url}/v1/mode`, {
          method: 'PUT',
          headers,
          body: JSON.stringify({ localFallback, reason: 'drill' }),
        });
        expect(await resolve()).toBe(localFallback ? 'local' : 'cdn');
        for (const origin of await Promise.all(during)) expect(['local', 'cdn']).toContain(origin);
      }
    },
    MINUTES,
  );
});

it('a second instance on the same data directory is refused, and disturbs nothing', async () => {
  const second = spawn(process.execPath, [join(import.meta.dirname, '../scripts/start.ts')], {
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      HOLDFAST_DATA_DIR: dataDir,
      HOLDFAST_PORT: '0',
      ...eventStoreEnvironment(dataDir),
    },
  });
  let output = '';
  for (const stream of [second.stdout, second.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => second.once('exit', resolve));
  expect(code).toBe(2);
  expect(output).toContain('DATA_DIR_IN_USE');
  expect((await fetch(`${product.url}/readyz`)).status).toBe(200);
});

/** Specs that handle the log's file. */
const ifEmbedded = hasEmbeddedLog() ? describe : () => undefined;

ifEmbedded('the embedded log', () => {
  it('LOG_MISMATCH: a data directory whose log is gone is refused before anything is written, and people are told', async () => {
    await fetch(`${product.url}/v1/content/a.json?wait=local`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"kept":true}',
    });
    await product.stop();
    for (const name of readdirSync(dataDir)) if (name.startsWith('events.db')) rmSync(join(dataDir, name));
    const mail = await startMailServer();
    const env = {
      HOLDFAST_SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
      HOLDFAST_ALERT_TO: 'on-call@example.org',
      HOLDFAST_ALERT_FROM: 'holdfast@example.org',
    };
    await expect(startProduct({ dataDir, env })).rejects.toThrow('LOG_MISMATCH');
    await mail.close();
    const subjects = mail.received.map(({ raw }) => /^Subject: (.*)$/m.exec(raw)?.[1]);
    // Of the first process that was told of it; the other one may be ended before.
    expect(subjects[0]).toContain('LOG_MISMATCH');
    expect(existsSync(join(dataDir, 'events.db'))).toBe(false);
    expect(readFileSync(live('a.json'), 'utf8')).toBe('{"kept":true}');
    rmSync(join(dataDir, 'generations'), { recursive: true });
    rmSync(join(dataDir, 'bucket'), { recursive: true, force: true });
    product = await startProduct({ dataDir });
  });

  it('the log can be copied while it is written to, and restored', async () => {
    const headers = { 'content-type': 'application/json' };
    const put = (index: number) =>
      fetch(`${product.url}/v1/content/lessons/l${index}.json`, {
        method: 'PUT',
        headers,
        body: `{"n":${index}}`,
      });
    for (let index = 0; index < 50; index += 1) await put(index);
    const writing = (async () => {
      for (let index = 50; index < 200; index += 1) await put(index);
    })();
    const copy = join(dataDir, '..', `holdfast-copy-${process.pid}.db`);
    const backup = await product.holdfast('backup', copy);
    expect([backup.code, backup.stderr]).toEqual([0, '']);
    await writing;
    await product.stop();
    rmSync(dataDir, { recursive: true });
    execFileSync('mkdir', [dataDir]);
    execFileSync('mv', [copy, join(dataDir, 'events.db')]);
    product = await startProduct({ dataDir });
    await waitFor('the tree', () => existsSync(live('lessons', 'l49.json')));
    closeSync(openSync(live('lessons', 'l0.json'), 'r'));
    expect(readFileSync(live('lessons', 'l49.json'), 'utf8')).toBe('{"n":49}');
  }, 60_000);
});

/** Opens one file in a loop, as an outside program does, and counts what goes wrong. */
const READER = `
const { readFileSync } = require('node:fs');
const counts = { opened: 0, missed: 0, torn: 0 };
process.on('SIGTERM', () => { console.log(JSON.stringify(counts)); process.exit(0); });
const look = () => {
  for (let i = 0; i < 50; i += 1) {
    try {
      const text = readFileSync(process.argv[1], 'utf8');
      counts.opened += 1;
      try { if (JSON.parse(text).filling.length !== 20000) counts.torn += 1; } catch { counts.torn += 1; }
    } catch { counts.missed += 1; }
  }
  setImmediate(look);
};
look();
`;
