import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Agent, request } from 'node:http';
import { linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sha256Of } from '@holdfast/domain';
import { sendRaw, startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const LARGE = JSON.stringify({ words: 'the quick brown fox '.repeat(200) });
const tagOf = (text: string, coding = ''): string => `"${sha256Of(Buffer.from(text))}${coding}"`;

async function publishToDisk(path: string, text: string): Promise<void> {
  const { json } = await api.put(path, text);
  const at = { version: json['version'] as number, position: String(json['position']) };
  await api.files.write(path, text, at);
}

describe('GET /content/{path}', () => {
  it('FR-008 serves the file with its hash, for caches and for any page', async () => {
    await publishToDisk('units/u1.json', '{"a":1}');
    const { status, headers, body } = await api.get('/content/units/u1.json?v=12345678', {
      origin: 'https://anywhere.example',
    });
    expect([status, body.toString()]).toEqual([200, '{"a":1}']);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': '7',
      'cache-control': 'public, max-age=60, stale-while-revalidate=300',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
      vary: 'Accept-Encoding',
      etag: tagOf('{"a":1}'),
    });
  });

  it('has the ETag of the very bytes it sends, also when the file is not what the log says', async () => {
    await publishToDisk('a.json', '{"a":1}');
    writeFileSync(join(api.files.root, 'a.json'), '{"b":22}');
    const { headers, body } = await api.get('/content/a.json');
    expect([body.toString(), headers['etag']]).toEqual(['{"b":22}', tagOf('{"b":22}')]);
  });

  it('sees each new version at once', async () => {
    for (let version = 0; version < 5; version += 1) {
      const text = JSON.stringify({ version });
      await publishToDisk('a.json', text);
      const { headers, body } = await api.get('/content/a.json');
      expect([body.toString(), headers['etag']]).toEqual([text, tagOf(text)]);
    }
  });

  it('answers 304 to a client that has it, in any form of the header', async () => {
    await publishToDisk('a.json', LARGE);
    const tag = tagOf(LARGE);
    for (const named of [tag, `W/${tag}`, `"other", ${tag}`, '*', `"x",W/${tag} , "y"`]) {
      const { status, headers, body } = await api.get('/content/a.json', { 'if-none-match': named });
      expect([status, body.length, headers['etag']]).toEqual([304, 0, tag]);
    }
    for (const named of ['"other"', 'nonsense', tag.slice(1, -1)]) {
      expect((await api.get('/content/a.json', { 'if-none-match': named })).status).toBe(200);
    }
    const zipped = { 'if-none-match': tagOf(LARGE, '-gzip'), 'accept-encoding': 'gzip' };
    expect((await api.get('/content/a.json', zipped)).status).toBe(304);
  });

  it('compresses what is large for who takes it, under an ETag of its own', async () => {
    await publishToDisk('a.json', LARGE);
    for (const accepted of ['gzip', 'br, GZIP;q=0.5', '*']) {
      const { headers, body } = await api.get('/content/a.json', { 'accept-encoding': accepted });
      expect(headers).toMatchObject({
        'content-encoding': 'gzip',
        etag: tagOf(LARGE, '-gzip'),
        vary: 'Accept-Encoding',
      });
      expect(Number(headers['content-length'])).toBe(body.length);
      expect(gunzipSync(body).toString()).toBe(LARGE);
    }
    for (const accepted of ['br', 'gzip;q=0', 'gzip;q=0, *', '']) {
      const { headers, body } = await api.get('/content/a.json', { 'accept-encoding': accepted });
      expect([headers['content-encoding'], body.toString()]).toEqual([undefined, LARGE]);
    }
    await publishToDisk('small.json', '1');
    const small = await api.get('/content/small.json', { 'accept-encoding': 'gzip' });
    expect(small.headers['content-encoding']).toBeUndefined();
  });

  it('answers HEAD as GET, without the bytes', async () => {
    await publishToDisk('a.json', LARGE);
    const head = await api.inject({ method: 'HEAD', url: '/content/a.json' });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(head.headers).toMatchObject({ etag: tagOf(LARGE), 'content-length': String(LARGE.length) });
    const unchanged = await api.inject({
      method: 'HEAD',
      url: '/content/a.json',
      headers: { 'if-none-match': tagOf(LARGE) },
    });
    expect([unchanged.status, unchanged.headers['content-length']]).toEqual([304, undefined]);
    expect((await api.inject({ method: 'HEAD', url: '/content/never.json' })).status).toBe(404);
  });

  it('serves from the log what has no file yet', async () => {
    await api.put('a.json', LARGE, { 'content-type': 'application/geo+json' });
    const { status, headers, body } = await api.get('/content/a.json');
    expect([status, body.toString(), headers['etag']]).toEqual([200, LARGE, tagOf(LARGE)]);
    expect(headers['content-type']).toBe('application/geo+json');
    await api.put('a.json', '2');
    expect((await api.get('/content/a.json')).body.toString()).toBe('2');
  });

  it('answers 404 for what never was and 410 for what was deleted, not to be kept', async () => {
    expect(await api.get('/content/never.json')).toMatchObject({
      status: 404,
      json: { code: 'CONTENT_NOT_FOUND' },
      headers: { 'cache-control': 'no-store', 'access-control-allow-origin': '*' },
    });
    await api.put('a.json', '1');
    await api.delete('a.json');
    expect(await api.get('/content/a.json')).toMatchObject({
      status: 410,
      json: { code: 'CONTENT_DELETED' },
    });
  });

  it('ignores Range', async () => {
    await publishToDisk('a.json', LARGE);
    const { status, body } = await api.get('/content/a.json', { range: 'bytes=0-3' });
    expect([status, body.length]).toEqual([200, LARGE.length]);
  });

  it('FR-002 never shows the version before, a temporary file, a dot name, or what a link leads to', async () => {
    await publishToDisk('units/u1.json', '{"a":1}');
    const root = api.files.root;
    writeFileSync(join(root, '../../secret.json'), '{"secret":true}');
    linkSync(join(root, 'units/u1.json'), join(root, 'units/u1.json.prev'));
    writeFileSync(join(root, 'units/u1.json.tmp.0f0b7a4e-5d0c-4c52-9d52-4f2d6c1f9a10'), '{}');
    writeFileSync(join(root, '.hidden.json'), '{}');
    symlinkSync('../../secret.json', join(root, 'linked.json'));
    symlinkSync('../..', join(root, 'up'));
    mkdirSync(join(root, 'directory.json'));
    const url = await api.listen();
    for (const path of [
      'units/u1.json.prev',
      'units/u1.json.tmp.0f0b7a4e-5d0c-4c52-9d52-4f2d6c1f9a10',
      '.hidden.json',
      '.holdfast/probe.json',
      'linked.json',
      'up/secret.json',
      'directory.json',
      'units/',
      'units',
      '../secret.json',
      '../../secret.json',
      '..%2f..%2fsecret.json',
      '..%2F..%2Fevents.db',
      '%2e%2e/%2e%2e/secret.json',
      'units/..%5cu1.json',
      'units/u1.json%00',
      'units%00/u1.json',
      '//units/u1.json',
      'units//u1.json',
      './units/u1.json',
      'units/u1.JSON',
      `${'x/'.repeat(600)}a.json`,
    ]) {
      const { status, body } = await sendRaw(url, { path: `/content/${path}` });
      expect([path, status]).toEqual([path, 404]);
      expect(body.toString()).not.toContain('true');
    }
    expect(await sendRaw(url, { path: '/content/%E0%A4%A' })).toMatchObject({ status: 400 });
    expect((await sendRaw(url, { path: '/content/units/u1.json' })).body.toString()).toBe('{"a":1}');
  });
});

describe('CORS', () => {
  const preflight = (origin: string) =>
    api.inject({
      method: 'OPTIONS',
      url: '/content/a.json',
      headers: {
        origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'if-none-match',
      },
    });

  it('answers a preflight', async () => {
    const { status, headers } = await preflight('https://anywhere.example');
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
    });
  });

  it('lets only the listed origins read, where there is a list', async () => {
    await api.close();
    api = await startApi({ config: { corsOrigins: ['https://www.example'] } });
    await api.put('a.json', '1');
    const allowed = await api.get('/content/a.json', { origin: 'https://www.example' });
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': 'https://www.example',
      vary: 'Accept-Encoding, Origin',
    });
    const other = await api.get('/content/a.json', { origin: 'https://other.example' });
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
    expect((await preflight('https://other.example')).headers['access-control-allow-origin']).toBeUndefined();
  });
});

it('SC-004 answers 1,000 requests at once over 1,000 connections, none failing, while files are replaced', async () => {
  const texts = Array.from({ length: 4 }, (_, index) =>
    JSON.stringify({ index, words: 'fox '.repeat(1_000 * (index + 1)) }),
  );
  for (const [index, text] of texts.entries()) await publishToDisk(`d/${index}.json`, text);
  const url = await api.listen();
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY, keepAlive: false });
  const fetchOne = (index: number) =>
    new Promise<string>((resolve, reject) => {
      const headers = index % 2 === 0 ? { 'accept-encoding': 'gzip' } : {};
      request(`${url}/content/d/${index % texts.length}.json`, { agent, headers }, (response) => {
        response.toArray().then((chunks) => {
          const sent = Buffer.concat(chunks as Buffer[]);
          const body = response.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
          const isWhole = response.headers.etag?.includes(sha256Of(body)) === true;
          resolve(`${response.statusCode} ${isWhole ? 'whole' : 'torn'}`);
        }, reject);
      })
        .on('error', reject)
        .end();
    });
  const answers = Array.from({ length: 1_000 }, (_, index) => fetchOne(index));
  const replacing = (async () => {
    for (let round = 0; round < 20; round += 1) {
      const name = join(api.files.root, `d/${round % texts.length}.json`);
      writeFileSync(`${name}.tmp`, texts[(round + 1) % texts.length] ?? '');
      renameSync(`${name}.tmp`, name);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const counts = new Map<string, number>();
  for (const answer of await Promise.all(answers)) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  await replacing;
  expect([...counts]).toEqual([['200 whole', 1_000]]);
});
