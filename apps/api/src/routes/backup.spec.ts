import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasEmbeddedLog } from '@holdfast/testing';
import { startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const temporaries = () => readdirSync(api.dataDir).filter((name) => name.includes('.tmp'));

it('streams a copy of the log with its digest, and leaves nothing behind', async () => {
  if (!hasEmbeddedLog()) {
    expect((await api.get('/v1/backup')).json).toMatchObject({ code: 'BACKUP_UNSUPPORTED', status: 409 });
    return;
  }
  await api.put('a.json', '{"kept":true}');
  const { status, headers, body } = await api.get('/v1/backup');
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    'content-type': 'application/vnd.sqlite3',
    'content-length': String(body.length),
    'repr-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
  });
  expect(temporaries()).toEqual([]);

  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
  writeFileSync(join(dataDir, 'events.db'), body);
  const restored = await startApi({ dataDir });
  expect((await restored.get('/content/a.json')).body.toString()).toBe('{"kept":true}');
  await restored.close();
  rmSync(dataDir, { recursive: true });
});

it('DISK_FULL: is not begun where it would leave less than is to stay free, which would stop publishing', async () => {
  if (!hasEmbeddedLog()) return;
  await api.close();
  api = await startApi({ config: { diskMinFree: { percent: 100, bytes: null } } });
  expect(await api.get('/v1/backup')).toMatchObject({ status: 507, json: { code: 'DISK_FULL' } });
  expect(temporaries()).toEqual([]);
});

it('makes no copy for HEAD', async () => {
  const { status } = await api.inject({ method: 'HEAD', url: '/v1/backup' });
  expect(status).toBe(404);
});

it('removes at the start what a killed process left', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
  writeFileSync(join(dataDir, 'api.0f0b7a4e-5d0c-4c52-9d52-4f2d6c1f9a10.tmp'), 'half a backup');
  const other = await startApi({ dataDir });
  expect(readdirSync(dataDir).filter((name) => name.includes('.tmp'))).toEqual([]);
  await other.close();
  rmSync(dataDir, { recursive: true });
});
