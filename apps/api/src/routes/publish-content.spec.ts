import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePath, replicationStream } from '@holdfast/domain';
import { CDN, eventually, startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('PUT /v1/content/{path}', () => {
  it('publishes the bytes as they are and answers with what is stored', async () => {
    const text = '{ "id":"u1", "n": 1.10 }\n';
    const { status, json, headers } = await api.put('units/u1.json', text);
    expect(status).toBe(201);
    expect(headers['etag']).toBe('"0"');
    const [event] = await api.events();
    expect(json).toEqual({
      path: 'units/u1.json',
      version: 0,
      position: event?.position,
      sha256: sha256(text),
      sourceSha256: sha256(text),
      bytes: 25,
      url: expect.stringMatching(/^http:.*\/content\/units\/u1\.json$/),
      origin: 'local',
      unchanged: false,
      warnings: [],
      waited: null,
    });
    expect(event).toMatchObject({ type: 'ContentPublished', stream: 'content-units/u1.json', version: 0 });
    expect((await api.get('/v1/versions/units/u1.json?version=0')).body.toString()).toBe(text);
  });

  it('answers 200 and a new version for another text, and unchanged for the same', async () => {
    await api.put('a.json', '1');
    expect(await api.put('a.json', '2')).toMatchObject({
      status: 200,
      json: { version: 1, unchanged: false },
    });
    expect(await api.put('a.json', '2')).toMatchObject({
      status: 200,
      json: { version: 1, unchanged: true },
    });
    expect(await api.events()).toHaveLength(2);
  });

  it('replaces links and says both hashes', async () => {
    const source = '{"next":"content:lessons/l1.json"}';
    const stored = '{"next":"../lessons/l1.json"}';
    const { json } = await api.put('units/u1.json', source);
    expect(json).toMatchObject({ sourceSha256: sha256(source), sha256: sha256(stored), bytes: 29 });
  });

  it('warns of a document that breaks its kind, and publishes it', async () => {
    const { status, json } = await api.put('units/u1.json', '{"id":"other"}');
    expect([status, json['warnings']]).toEqual([201, [expect.stringContaining('"id"')]]);
  });

  it('FR-019 keeps every version whole when many write one path', async () => {
    const texts = Array.from({ length: 40 }, (_, index) =>
      JSON.stringify({ index, filling: 'x'.repeat(index) }),
    );
    const answers = await Promise.all(texts.map((text) => api.put('a.json', text)));
    expect(answers.map(({ json }) => json['version']).sort((a, b) => Number(a) - Number(b))).toEqual(
      texts.map((_, index) => index),
    );
    for (const [index, { json }] of answers.entries()) {
      const { body } = await api.get(`/v1/versions/a.json?version=${String(json['version'])}`);
      expect(body.toString()).toBe(texts[index]);
    }
  });
});

describe('preconditions', () => {
  it('publishes over the version that If-Match names, and refuses any other with 412', async () => {
    await api.put('a.json', '1');
    expect((await api.put('a.json', '2', { 'if-match': '"0"' })).status).toBe(200);
    const refused = await api.put('a.json', '3', { 'if-match': '"0"' });
    expect(refused).toMatchObject({
      status: 412,
      json: { code: 'VERSION_MISMATCH', current: 1, expected: 0 },
    });
    expect((await api.put('b.json', '1', { 'if-match': '"0"' })).status).toBe(412);
    expect(await api.events()).toHaveLength(2);
  });

  it('publishes only where there is nothing with If-None-Match: *', async () => {
    const once = { 'if-none-match': '*' };
    expect((await api.put('a.json', '1', once)).status).toBe(201);
    expect((await api.put('a.json', '2', once)).status).toBe(412);
    await api.delete('a.json');
    expect((await api.put('a.json', '2', once)).status).toBe(200);
  });

  it.each([
    { 'if-match': '0' },
    { 'if-match': '*' },
    { 'if-match': 'W/"0"' },
    { 'if-match': '"0", "1"' },
    { 'if-match': '"-1"' },
    { 'if-none-match': '"0"' },
    { 'if-match': '"0"', 'if-none-match': '*' },
    { 'idempotency-key': 'with space' },
    { 'idempotency-key': 'x'.repeat(201) },
    { 'idempotency-key': '' },
  ])('refuses %j with 400', async (headers) => {
    const answer = await api.put('a.json', '1', headers);
    expect(answer).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    expect(await api.events()).toEqual([]);
  });
});

describe('Idempotency-Key', () => {
  const key = { 'idempotency-key': 'k1' };

  it('gives the first answer again, also after other versions, and appends nothing', async () => {
    const first = await api.put('a.json', '1', key);
    await api.put('a.json', '2');
    const again = await api.put('a.json', '1', key);
    expect([again.status, again.json]).toEqual([201, first.json]);
    expect(await api.events()).toHaveLength(2);
  });

  it('refuses another document or content type with 422', async () => {
    await api.put('a.json', '1', key);
    const problem = { status: 422, json: { code: 'IDEMPOTENCY_KEY_REUSED', path: 'a.json' } };
    expect(await api.put('a.json', '2', key)).toMatchObject(problem);
    const typed = { ...key, 'content-type': 'application/geo+json' };
    expect(await api.put('a.json', '1', typed)).toMatchObject(problem);
    expect(await api.events()).toHaveLength(1);
  });

  it('is free on another path', async () => {
    await api.put('a.json', '1', key);
    expect((await api.put('b.json', '1', key)).status).toBe(201);
  });

  it('appends one event for many deliveries at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => api.put('a.json', '1', key)));
    expect(new Set(answers.map(({ json }) => json['version']))).toEqual(new Set([0]));
    expect(await api.events()).toHaveLength(1);
  });
});

describe('bad documents', () => {
  it.each([
    ['not JSON', '{"a":', 400, 'JSON_INVALID'],
    ['nothing', '', 400, 'JSON_INVALID'],
    ['a key twice', '{"a":1,"a":2}', 400, 'JSON_INVALID'],
    ['half a surrogate pair', '{"a":"\\ud800"}', 400, 'JSON_INVALID'],
    ['a byte order mark', '\ufeff{}', 400, 'JSON_INVALID'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, 'JSON_INVALID'],
    ['nesting without end', '['.repeat(100_000) + ']'.repeat(100_000), 400, 'JSON_TOO_DEEP'],
    ['one byte more than 16 MiB', `"${'x'.repeat(16 * 1024 * 1024 - 1)}"`, 413, 'DOCUMENT_TOO_LARGE'],
  ])('refuses %s', async (_what, body, status, code) => {
    expect(await api.put('a.json', body)).toMatchObject({ status, json: { status, code } });
    expect(await api.events()).toEqual([]);
  });

  it('takes exactly 16 MiB', async () => {
    const answer = await api.put('a.json', `"${'x'.repeat(16 * 1024 * 1024 - 2)}"`);
    expect([answer.status, answer.json['bytes']]).toEqual([201, 16 * 1024 * 1024]);
  });

  it.each([
    '..%2f..%2fetc%2fa.json',
    'a%00.json',
    '.hidden/a.json',
    'a.json.prev',
    'A\u0301.json',
    'a/b.json/c.json',
    'a//b.json',
    'noext',
    `${'x'.repeat(210)}.json`,
    '%E0%A4%A',
    '',
  ])('refuses the path %j with PATH_INVALID', async (path) => {
    const url = path.includes('%') ? path : encodeURI(path);
    expect(await api.put(url, '1')).toMatchObject({ status: 400, json: { code: 'PATH_INVALID' } });
    expect(await api.events()).toEqual([]);
  });

  it.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1'])(
    'refuses the content type %s with 415',
    async (type) => {
      const { status, json } = await api.inject({
        method: 'PUT',
        url: '/v1/content/a.json',
        headers: type === undefined ? {} : { 'content-type': type },
        payload: Buffer.from('1'),
      });
      expect([status, json['code']]).toEqual([415, 'CONTENT_TYPE_UNSUPPORTED']);
    },
  );

  it('refuses what breaks a kind that is set to refuse', async () => {
    await api.close();
    api = await startApi({ config: { kinds: { unit: 'refuse' } } });
    const answer = await api.put('units/u1.json', '[]');
    expect(answer).toMatchObject({ status: 422, json: { code: 'DOCUMENT_REFUSED' } });
  });

  it('refuses parameters that nobody reads', async () => {
    const answer = await api.inject({
      method: 'PUT',
      url: '/v1/content/a.json?wiat=local',
      headers: { 'content-type': 'application/json' },
      payload: '1',
    });
    expect(answer).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    expect(answer.json['detail']).toContain('wiat');
  });
});

describe('a bucket with a prefix', () => {
  it('leaves that much less for what is published from now on; what is there can be read and deleted', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
    const longest = (bytes: number): string =>
      `${'d'.repeat(200)}/`.repeat(5) + `${'f'.repeat(bytes - 1010)}.json`;
    const before = await startApi({ dataDir });
    expect((await before.put(longest(1024), '1')).status).toBe(201);
    await before.close();

    const bucket = { kind: 's3', bucket: 'site', prefix: 'live/' } as const;
    const after = await startApi({ dataDir, config: { bucket } });
    const refused = { code: 'PATH_INVALID', detail: expect.stringContaining('at most 1019 are allowed') };
    expect(await after.put(longest(1020), '1')).toMatchObject({ status: 400, json: refused });
    expect(await after.put(longest(1019), '1')).toMatchObject({ status: 201 });
    const { results } = await after.batch([{ put: longest(1024), text: '2' }, { delete: longest(1024) }]);
    expect(results).toMatchObject([{ code: 'PATH_INVALID' }, { version: 1 }, { done: true }]);
    expect((await after.get(`/v1/versions/${longest(1024)}?version=0`)).body.toString()).toBe('1');
    await after.close();
    rmSync(dataDir, { recursive: true });
  });
});

describe('a full disk', () => {
  it('refuses to publish with 507 before anything is appended, and lets deletes and the mode pass', async () => {
    await api.close();
    api = await startApi({ config: { diskMinFree: { percent: 100, bytes: null } } });
    expect(await api.put('a.json', '1')).toMatchObject({ status: 507, json: { code: 'DISK_FULL' } });
    expect((await api.batch([{ put: 'b.json', text: '1' }])).results).toMatchObject([
      { ok: false, code: 'DISK_FULL' },
      { done: true, failed: 1 },
    ]);
    const events = await api.events();
    expect(events.filter(({ type }) => type !== 'AlertRaised')).toEqual([]);
    expect((await api.send('PUT', '/v1/mode', { localFallback: true, reason: 'full' })).status).toBe(200);
    expect((await api.get('/v1/health')).json).toMatchObject({
      status: 'degraded',
      disk: { publishing: false },
    });
  });
});

it('a full disk does not refuse what is published already: nothing is written for it', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
  const before = await startApi({ dataDir });
  await before.put('a.json', '1');
  await before.close();
  const full = await startApi({ dataDir, config: { diskMinFree: { percent: 100, bytes: null } } });
  expect(await full.put('a.json', '1')).toMatchObject({ status: 200, json: { unchanged: true } });
  expect(await full.put('a.json', '2')).toMatchObject({ status: 507, json: { code: 'DISK_FULL' } });
  const { results } = await full.batch([
    { put: 'a.json', text: '1' },
    { put: 'a.json', text: '2' },
  ]);
  expect(results).toMatchObject([{ action: 'unchanged' }, { code: 'DISK_FULL' }, { done: true }]);
  await full.close();
  rmSync(dataDir, { recursive: true });
});

describe('?wait', () => {
  const putAndWait = (query: string) =>
    api.inject({
      method: 'PUT',
      url: `/v1/content/a.json?${query}`,
      headers: { 'content-type': 'application/json' },
      payload: '1',
    });

  it('answers 202 when time runs out, and the document is published all the same', async () => {
    const local = await putAndWait('wait=local&waitSeconds=0.05');
    expect(local).toMatchObject({ status: 202, json: { waited: { for: 'local', reached: false } } });
    const cdn = await putAndWait('wait=cdn&waitSeconds=0.05');
    expect(cdn).toMatchObject({
      status: 202,
      json: { unchanged: true, waited: { for: 'cdn', reached: false } },
    });
    expect(await api.events()).toHaveLength(1);
  });

  it('local: answers when the file is there', async () => {
    const waiting = putAndWait('wait=local');
    const [event] = await eventually(
      () => api.events(),
      (events) => events.length === 1,
    );
    await api.files.write('a.json', '1', { version: 0, position: event?.position ?? '' });
    expect(await waiting).toMatchObject({ status: 201, json: { waited: { for: 'local', reached: true } } });
  });

  it('cdn: answers when the replica is there, with the URL of the CDN', async () => {
    const waiting = putAndWait('wait=cdn');
    await eventually(
      () => api.events(),
      (events) => events.length === 1,
    );
    const data = {
      path: parsePath('a.json'),
      version: 0,
      action: 'put',
      sha256: sha256('1'),
      etag: 'e',
      attempt: 1,
      durationMs: 1,
    } as const;
    await api.append(replicationStream(data.path), { type: 'ContentReplicated', data });
    expect(await waiting).toMatchObject({
      status: 201,
      json: { waited: { for: 'cdn', reached: true }, origin: 'cdn', url: `${CDN}/a.json` },
    });
  });

  it('cdn: answers at once when the replication is a dead letter', async () => {
    const waiting = putAndWait('wait=cdn');
    await eventually(
      () => api.events(),
      (events) => events.length === 1,
    );
    const error = { code: 'OBJECT_STORE_UNAVAILABLE', message: 'The bucket does not answer.' };
    const data = { path: parsePath('a.json'), version: 0, action: 'put', attempts: 8, error } as const;
    await api.append(replicationStream(data.path), { type: 'ReplicationDeadLettered', data });
    expect(await waiting).toMatchObject({
      status: 202,
      json: { waited: { for: 'cdn', reached: false, deadLetter: error } },
    });
  });
});

it('publishes nothing while the log and the local files do not belong together', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
  const before = await startApi({ dataDir });
  const written = await before.put('b.json', '0');
  const { position } = written.json as { position: string };
  await before.files.write('a.json', '1', { version: 0, position: position.replace(/^0/, '1') });
  await before.close();
  const after = await startApi({ dataDir });
  const refused = { status: 500, json: { code: 'LOG_MISMATCH' } };
  expect(await after.put('b.json', '1')).toMatchObject(refused);
  expect(await after.send('PUT', '/v1/mode', { pinned: true, reason: 'drill' })).toMatchObject(refused);
  expect((await after.get('/readyz')).json).toMatchObject({
    ready: false,
    reasons: expect.arrayContaining([expect.objectContaining({ code: 'LOG_MISMATCH' })]),
  });
  expect((await after.events()).map(({ position: at }) => at)).toEqual([position]);
  await after.close();
  rmSync(dataDir, { recursive: true });
});
