import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { AuditEvent, HealthAnswer, JobAnswer, UrlsAnswer } from '@holdfast/api/types';
import { hasEmbeddedLog, type Product, startProduct, waitFor } from '@holdfast/testing';

const CDN = 'https://cdn.example.org';
// Real processes on a machine that may have other work.
jest.setTimeout(60_000);

let product: Product;
let directory: string;

beforeAll(async () => {
  product = await startProduct({ env: { HOLDFAST_CDN_BASE_URL: CDN } });
});

afterAll(() => product.stop());

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(files: Record<string, string | Uint8Array>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}

async function json<Answer>(...args: string[]): Promise<{ code: number; answer: Answer; stderr: string }> {
  const { code, stdout, stderr } = await product.holdfast(...args, '--json');
  if (stdout === '') throw new Error(`holdfast ${args.join(' ')} ended with ${code}: ${stderr}`);
  return { code, answer: JSON.parse(stdout) as Answer, stderr };
}

const publish = (...args: string[]) =>
  json<Record<string, unknown>>('publish', directory, '--wait', 'local', ...args);
const live = (path: string): string => readFileSync(join(product.dataDir, 'content', path), 'utf8');

describe('publish', () => {
  it('puts the files on the disk byte for byte, then sends only what changed', async () => {
    write({ 'a.json': '{ "a" : 1.0e0 }\r\n', 'b/מילון.json': '"日本"', 'c.json': '3' });
    expect(await publish('--into', 'first')).toMatchObject({
      code: 0,
      answer: { published: 3, unchanged: 0, failed: 0 },
    });
    expect([live('first/a.json'), live('first/b/מילון.json')]).toEqual(['{ "a" : 1.0e0 }\r\n', '"日本"']);
    write({ 'c.json': '4' });
    expect(await publish('--into', 'first/')).toMatchObject({
      code: 0,
      answer: { published: 1, unchanged: 2 },
    });
    expect(live('first/c.json')).toBe('4');
  });

  it('takes one file too', async () => {
    write({ 'one.json': '1' });
    const { code, answer } = await json(
      'publish',
      join(directory, 'one.json'),
      '--into',
      'single',
      '--wait',
      'local',
    );
    expect([code, answer]).toMatchObject([0, { published: 1 }]);
    expect(live('single/one.json')).toBe('1');
  });

  it('reports what is broken, and publishes the rest', async () => {
    write({
      'good.json': '{}',
      'twice.json': '{"a":1,"a":2}',
      'half.json': '{"a":',
      'bom.json': '\ufeff{}',
      'latin1.json': Buffer.from('"\xe9"', 'latin1'),
      'bad:name.json': '{}',
      'surrogate.json': '"\\ud800"',
    });
    symlinkSync('/etc/hostname', join(directory, 'link.json'));
    const { code, answer } = await publish('--into', 'mixed');
    expect([code, answer]).toMatchObject([1, { published: 1, failed: 6, skipped: 1 }]);
    const failures = answer.failures as { path: string; code: string }[];
    expect(Object.fromEntries(failures.map((failure) => [failure.path, failure.code]))).toEqual({
      'mixed/twice.json': 'JSON_INVALID',
      'mixed/half.json': 'JSON_INVALID',
      'mixed/bom.json': 'JSON_INVALID',
      'mixed/latin1.json': 'JSON_INVALID',
      'mixed/bad:name.json': 'PATH_INVALID',
      'mixed/surrogate.json': 'JSON_INVALID',
    });
    const { code: exitCode, stdout } = await product.holdfast('publish', directory, '--into', 'mixed');
    expect([exitCode, stdout]).toEqual([
      1,
      expect.stringContaining('unchanged 1, deleted 0, failed 6, skipped 1'),
    ]);
  });

  it('names every change of a dry run and makes none; then prunes', async () => {
    write({ 'a.json': '1', 'b.json': '2', 'c/d.json': '3' });
    await publish('--into', 'pruned');
    rmSync(join(directory, 'b.json'));
    rmSync(join(directory, 'c'), { recursive: true });
    write({ 'a.json': '10' });
    const changes = [
      { action: 'published', path: 'pruned/a.json' },
      { action: 'deleted', path: 'pruned/b.json' },
      { action: 'deleted', path: 'pruned/c/d.json' },
    ];
    const dry = await publish('--into', 'pruned', '--prune', '--dry-run');
    expect([dry.code, dry.answer]).toMatchObject([0, { dryRun: true, published: 1, deleted: 2, changes }]);
    expect(live('pruned/b.json')).toBe('2');
    const real = await publish('--into', 'pruned', '--prune', '--ordered');
    expect([real.code, real.answer]).toMatchObject([0, { published: 1, deleted: 2, failed: 0 }]);
    expect(live('pruned/a.json')).toBe('10');
    expect(existsSync(join(product.dataDir, 'content/pruned/c'))).toBe(false);
  });

  it('prunes nothing when the source has nothing', async () => {
    write({ 'a.json': '1' });
    await publish('--into', 'kept');
    rmSync(join(directory, 'a.json'));
    const { code, stderr } = await product.holdfast('publish', directory, '--into', 'kept', '--prune');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^USAGE_INVALID: There is nothing to publish/)]);
    expect(live('kept/a.json')).toBe('1');
  });
});

describe('delete', () => {
  it('deletes one document', async () => {
    write({ 'a.json': '1' });
    await publish('--into', 'gone');
    expect(await json('delete', 'gone/a.json', '--reason', 'over')).toMatchObject({
      code: 0,
      answer: { version: 1, unchanged: false },
    });
    expect(await json('delete', 'gone/a.json')).toMatchObject({
      code: 0,
      answer: { version: 1, unchanged: true },
    });
    expect(await product.holdfast('delete', 'gone/never.json')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^CONTENT_NOT_FOUND/),
    });
  });

  it('waits for the job that deletes a directory', async () => {
    write({ 'a.json': '1', 'b/c.json': '2' });
    await publish('--into', 'season');
    const { code, answer } = await json<JobAnswer>('delete', 'season/');
    expect([code, answer]).toMatchObject([0, { kind: 'directory-deletion', state: 'succeeded' }]);
    expect(await product.holdfast('url', 'season/a.json')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^CONTENT_DELETED/),
    });
  });
});

describe('mode and url', () => {
  it('change and show where readers are sent', async () => {
    write({ 'a b.json': '1' });
    await publish('--into', 'urls');
    const resolve = () => product.holdfast('url', 'urls/a b.json');
    await waitFor('the replica', async () => (await resolve()).stdout.startsWith(CDN));
    expect(await product.holdfast('mode', 'set', '--fallback', 'on', '--reason', 'a test')).toMatchObject({
      code: 0,
    });
    expect(await resolve()).toMatchObject({ code: 0, stdout: `${product.url}/content/urls/a%20b.json\n` });
    expect(await json('mode')).toMatchObject({
      code: 0,
      answer: { localFallback: true, lastChange: { reason: 'a test' } },
    });
    await product.holdfast('mode', 'set', '--fallback', 'off', '--reason', 'over');
    expect(await resolve()).toMatchObject({ code: 0, stdout: `${CDN}/urls/a%20b.json\n` });
  });

  it('says of each path why it has no URL', async () => {
    const { code, answer } = await json<UrlsAnswer>('url', 'never.json', '../up.json');
    expect(code).toBe(2);
    expect(answer.urls).toMatchObject([{ code: 'CONTENT_NOT_FOUND' }, { code: 'PATH_INVALID' }]);
  });
});

describe('operation', () => {
  it('shows how everything is', async () => {
    await waitFor('all to be well', async () => (await product.holdfast('status')).code === 0);
    expect(await json<HealthAnswer>('status')).toMatchObject({
      code: 0,
      answer: { status: 'ok', well: true },
    });
    expect((await product.holdfast('status')).stdout).toMatch(/^Holdfast on .*: all is well\n/);
  });

  it('streams the audit, one event in a line', async () => {
    write({ 'a.json': '1' });
    await publish('--into', 'audited');
    await product.holdfast('delete', 'audited/a.json', '--reason', 'over');
    const { code, stdout } = await product.holdfast(
      'audit',
      '--path',
      'audited/a.json',
      '--type',
      'ContentDeleted',
      '--json',
    );
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEvent);
    expect([code, events]).toMatchObject([0, [{ type: 'ContentDeleted', data: { reason: 'over' } }]]);
    const all = await product.holdfast('audit', '--limit', '3');
    expect(all.stdout.trimEnd().split('\n')).toHaveLength(3);
  });

  it('lists replications, and has nothing to retry', async () => {
    write({ 'a.json': '1' });
    await publish('--into', 'replicated');
    const list = () =>
      json<{ replications: unknown[] }>('replications', '--path', 'replicated/a.json', '--status', 'success');
    await waitFor('the replica', async () => (await list()).answer.replications.length === 1);
    expect(await list()).toMatchObject({
      code: 0,
      answer: { replications: [{ version: 0, action: 'put', verified: true }] },
    });
    expect(await json('replications', '--failed')).toMatchObject({
      code: 0,
      answer: { replications: [], complete: true },
    });
    for (const which of ['--all', 'replicated/a.json']) {
      expect(await product.holdfast('replications', 'retry', which)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^NOTHING_TO_RETRY/),
      });
    }
  });

  it('replays: all of it beside the live tree, or a part to a directory', async () => {
    write({ 'a.json': '1', 'b.json': '2' });
    const { answer } = await publish('--into', 'replayed');
    write({ 'a.json': '10' });
    await publish('--into', 'replayed');
    expect(await json<JobAnswer>('replay')).toMatchObject({
      code: 0,
      answer: { kind: 'replay', state: 'succeeded' },
    });
    const out = join(directory, 'out');
    const part = await json<JobAnswer>(
      'replay',
      '--prefix',
      'replayed/',
      '--until',
      String(answer.position),
      '--out',
      out,
    );
    expect(part).toMatchObject({ code: 0, answer: { state: 'succeeded' } });
    expect(readFileSync(join(out, 'replayed/a.json'), 'utf8')).toBe('1');
  });

  it('copies the log while it is written to, where it is embedded', async () => {
    const file = join(directory, 'log.db');
    if (!hasEmbeddedLog()) {
      const refused = await product.holdfast('backup', file);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('BACKUP_UNSUPPORTED')]);
      expect(existsSync(file)).toBe(false);
      return;
    }
    const { code, answer } = await json<{ bytes: number }>('backup', file);
    expect(code).toBe(0);
    expect(readFileSync(file)).toHaveLength(answer.bytes);
    expect(existsSync(`${file}.tmp`)).toBe(false);
    const copy = new DatabaseSync(file, { readOnly: true });
    expect(copy.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    copy.close();
    expect(await product.holdfast('backup', file)).toMatchObject({ code: 2 });
    expect(await product.holdfast('backup', file, '--force')).toMatchObject({ code: 0 });
  });
});
