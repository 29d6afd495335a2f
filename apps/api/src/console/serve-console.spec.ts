import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startApi, type TestApi } from '../testing/start-api.ts';

const SCRIPT = 'assets/index-abc.js';

let folder: string;
let directory: string;
let api: TestApi;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-console-'));
  directory = join(folder, 'console');
  api = await startApi({ overrides: { consoleDirectory: directory } });
});

afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

function build(): void {
  mkdirSync(join(directory, 'assets'), { recursive: true });
  writeFileSync(join(directory, 'index.html'), '<script nonce="__CSP_NONCE__"></script><p>console</p>');
  writeFileSync(join(directory, SCRIPT), 'console.log(1)');
  writeFileSync(join(directory, `${SCRIPT}.gz`), gzipSync('console.log(1)'));
}

const nonceOf = (body: Buffer): string => /nonce="([^"]+)"/.exec(body.toString())?.[1] ?? '';

describe('the console', () => {
  it('is served at each of its pages, with a policy that lets in only what this response names', async () => {
    build();
    const nonces = new Set<string>();
    for (const url of [
      '/',
      '/mode',
      '/documents/a/b.json',
      '/replications?status=failed',
      '/drift',
      '/alerts',
    ]) {
      const { status, headers, body } = await api.get(url);
      const nonce = nonceOf(body);
      expect([url, status, headers['content-type']]).toEqual([url, 200, 'text/html; charset=utf-8']);
      expect(headers).toMatchObject({
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': `default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      });
      nonces.add(nonce);
    }
    expect(nonces.size).toBe(6);
  });

  it('has files that are cached for good, compressed where the client reads that', async () => {
    build();
    const plain = await api.get(`/${SCRIPT}`);
    expect([plain.status, plain.body.toString()]).toEqual([200, 'console.log(1)']);
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const gzip = await api.get(`/${SCRIPT}`, { 'accept-encoding': 'gzip' });
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(gzip.headers['content-type']).toBe(plain.headers['content-type']);
  });

  it('takes no path that is not its own', async () => {
    build();
    for (const url of [
      '/v1/nowhere',
      '/v2',
      '/content/never.json',
      '/content',
      '/docs/nowhere',
      '/openapi',
      '/metrics/x',
      '/assets/none.js',
      '/assets/../index.html',
      '/index.html',
    ]) {
      const { status, headers } = await api.get(url, { accept: 'text/html' });
      expect([url, status, headers['content-type']]).toEqual([url, 404, 'application/problem+json']);
    }
  });

  it('that is not built yet is looked for again by each request', async () => {
    const before = await api.get('/');
    expect([before.status, before.headers['content-type']]).toEqual([503, 'text/html; charset=utf-8']);
    expect(before.body.toString()).toContain('http-equiv="refresh"');
    build();
    expect((await api.get('/')).body.toString()).toContain('<p>console</p>');
    expect((await api.get(`/${SCRIPT}`)).status).toBe(200);
  });

  it('whose build failed says why, as text', async () => {
    writeFileSync(`${directory}-build-error.txt`, 'src/main.tsx: <b>unexpected</b> token');
    const { status, body } = await api.get('/mode');
    expect(status).toBe(503);
    expect(body.toString()).toContain('src/main.tsx: &lt;b&gt;unexpected&lt;/b&gt; token');
  });
});
