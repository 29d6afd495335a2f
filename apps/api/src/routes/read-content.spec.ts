import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parsePath, replicationStream, sha256Of } from '@holdfast/domain';
import { CDN, startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const replicated = (path: string, text: string, version = 0) => ({
  type: 'ContentReplicated' as const,
  data: {
    path: parsePath(path),
    version,
    action: 'put' as const,
    sha256: sha256Of(Buffer.from(text)),
    etag: 'e',
    attempt: 1,
    durationMs: 2,
  },
});

describe('GET /v1/content/{path}', () => {
  it('says what is published, on this disk and in the bucket', async () => {
    const { json } = await api.put('a.json', '1');
    expect((await api.get('/v1/content/a.json')).json).toMatchObject({
      local: null,
      cdn: null,
      origin: 'local',
    });
    await api.files.write('a.json', '1', { version: 0, position: String(json['position']) });
    await api.append(replicationStream(parsePath('a.json')), replicated('a.json', '1'));
    const { status, headers, json: state } = await api.get('/v1/content/a.json');
    const sha256 = sha256Of(Buffer.from('1'));
    expect([status, headers['etag']]).toEqual([200, '"0"']);
    expect(state).toEqual({
      path: 'a.json',
      version: 0,
      position: json['position'],
      publishedAt: expect.any(String),
      publishedBy: 'local',
      contentType: 'application/json',
      bytes: 1,
      sha256,
      sourceSha256: sha256,
      url: `${CDN}/a.json`,
      origin: 'cdn',
      local: { version: 0, sha256 },
      cdn: { version: 0, sha256, etag: 'e', at: expect.any(String) },
    });
  });

  it('answers 404 for what never was, 410 for what was deleted, both not to be kept by caches', async () => {
    const missing = await api.get('/v1/content/a.json');
    expect(missing).toMatchObject({ status: 404, json: { code: 'CONTENT_NOT_FOUND', path: 'a.json' } });
    expect(missing.headers['cache-control']).toBe('no-store');
    await api.put('a.json', '1');
    await api.delete('a.json');
    const gone = await api.get('/v1/content/a.json');
    expect(gone).toMatchObject({ status: 410, json: { code: 'CONTENT_DELETED', version: 1 } });
    expect((await api.inject({ method: 'HEAD', url: '/v1/content/a.json' })).status).toBe(410);
  });
});

describe('GET /v1/content', () => {
  it('lists by page in the order of UTF-8 bytes, below a prefix, by status', async () => {
    for (const path of ['b/1.json', 'a.json', 'b/2.json', 'bc.json', 'z.json']) await api.put(path, '1');
    await api.delete('b/2.json');
    const paths = async (query: string) => {
      const { json } = await api.get(`/v1/content?${query}`);
      return (json['documents'] as { path: string }[]).map(({ path }) => path);
    };
    expect(await paths('')).toEqual(['a.json', 'b/1.json', 'bc.json', 'z.json']);
    expect(await paths('prefix=b/')).toEqual(['b/1.json']);
    expect(await paths('prefix=b/&status=all')).toEqual(['b/1.json', 'b/2.json']);
    expect(await paths('status=deleted')).toEqual(['b/2.json']);
    const first = await api.get('/v1/content?limit=3');
    const next = String(first.json['next']);
    expect(await paths(`limit=3&cursor=${next}`)).toEqual(['z.json']);
    expect((await api.get(`/v1/content?limit=3&cursor=${next}`)).json['next']).toBeNull();
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=%20', 'status=gone', 'wrong=1', 'limit=1&limit=2'])(
    'refuses ?%s',
    async (query) => {
      const answer = await api.get(`/v1/content?${query}`);
      expect(answer).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    },
  );
});

describe('GET /v1/versions/{path}', () => {
  it('lists the versions, newest first, by page', async () => {
    await api.put('a.json', '1');
    await api.put('a.json', '2');
    await api.delete('a.json?reason=over');
    const { json } = await api.get('/v1/versions/a.json?limit=2');
    expect(json['versions']).toMatchObject([
      { version: 2, action: 'deleted', reason: 'over', sha256: null },
      { version: 1, action: 'published', reason: null, bytes: 1 },
    ]);
    const second = await api.get(`/v1/versions/a.json?limit=2&cursor=${String(json['next'])}`);
    expect(second.json).toMatchObject({ versions: [{ version: 0 }], next: null });
  });

  it('gives the exact bytes of a version, large ones too', async () => {
    const large = JSON.stringify('ü'.repeat(400_000));
    await api.put('a.json', '{ "n": 1.0 }', { 'content-type': 'application/geo+json' });
    await api.put('a.json', large);
    const first = await api.get('/v1/versions/a.json?version=0');
    expect([first.body.toString(), first.headers['content-type']]).toEqual([
      '{ "n": 1.0 }',
      'application/geo+json',
    ]);
    const current = await api.get('/v1/versions/a.json?version=current');
    expect(current.body.toString()).toBe(large);
    expect(current.headers['etag']).toBe(`"${sha256Of(Buffer.from(large))}"`);
  });

  it.each([
    ['never.json', 404, 'CONTENT_NOT_FOUND'],
    ['never.json?version=current', 404, 'CONTENT_NOT_FOUND'],
    ['a.json?version=7', 404, 'VERSION_NOT_FOUND'],
    ['a.json?version=1', 404, 'VERSION_NOT_FOUND'],
    ['a.json?version=current', 410, 'CONTENT_DELETED'],
    ['a.json?version=-1', 400, 'REQUEST_INVALID'],
    ['a.json?cursor=abc', 400, 'REQUEST_INVALID'],
    ['.a.json', 400, 'PATH_INVALID'],
  ])('answers %s with %d %s', async (path, status, code) => {
    await api.put('a.json', '1');
    await api.delete('a.json');
    expect(await api.get(`/v1/versions/${path}`)).toMatchObject({ status, json: { code } });
  });
});

describe('GET /v1/url/{path} and POST /v1/urls', () => {
  it('tells what URLs would be in another mode, which stays as it is', async () => {
    await api.put('units/new.json', { id: 'new' });
    const ask = async (mode?: object) =>
      (
        (await api.send('POST', '/v1/urls', { paths: ['units/new.json'], mode })).json['urls'] as {
          origin: string;
        }[]
      )[0]?.origin;
    const data = {
      path: 'units/new.json',
      version: 0,
      action: 'put',
      sha256: null,
      etag: null,
      attempt: 1,
      durationMs: 5,
    };
    await api.append('replication-units/new.json', { type: 'ContentReplicated', data } as never);
    expect(await ask()).toBe('cdn');
    expect(await ask({ localFallback: true })).toBe('local');
    expect(await ask({ cdnEnabled: false })).toBe('local');
    expect((await api.get('/v1/mode')).json).toMatchObject({ localFallback: false, lastChange: null });
  });

  it('FR-006 FR-007 FR-008 resolve by mode and replica', async () => {
    await api.put('plans/ö 1/manifest.json', '1');
    const encoded = 'plans/%C3%B6%201/manifest.json';
    expect((await api.get(`/v1/url/${encoded}`)).json).toMatchObject({
      origin: 'local',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/content\/plans\/%C3%B6%201\/manifest\.json$/),
    });
    const path = parsePath('plans/ö 1/manifest.json');
    await api.append(replicationStream(path), replicated(path, '1'));
    const { json } = await api.get(`/v1/url/${encoded}`);
    expect(json).toMatchObject({ origin: 'cdn', url: `${CDN}/${encoded}`, version: 0 });
    await api.send('PUT', '/v1/mode', { cdnEnabled: false, reason: 'drill' });
    expect((await api.get(`/v1/url/${encoded}`)).json['origin']).toBe('local');
  });

  it('lead to the local origin for what was published again before the record of its deletion, until it is replicated', async () => {
    const path = parsePath('a.json');
    const origin = async () => (await api.get('/v1/url/a.json')).json['origin'];
    await api.put('a.json', '1');
    await api.append(replicationStream(path), replicated(path, '1'));
    expect(await origin()).toBe('cdn');
    await api.delete('a.json');
    await api.put('a.json', '2');
    expect(await origin()).toBe('local');
    const record = async (changes: object) => {
      const { data, ...event } = replicated(path, '2');
      await api.append(replicationStream(path), { ...event, data: { ...data, ...changes } });
    };
    await record({ version: 1, action: 'delete', sha256: null, etag: null });
    expect(await origin()).toBe('local');
    await record({ version: 2 });
    expect(await origin()).toBe('cdn');
  });

  it('resolve many, and say for each that does not why', async () => {
    await api.put('a.json', '1');
    await api.put('b.json', '1');
    await api.delete('b.json');
    const { status, json } = await api.send('POST', '/v1/urls', {
      paths: ['a.json', 'b.json', 'c.json', '../d.json'],
    });
    expect(status).toBe(200);
    expect(json['urls']).toMatchObject([
      { path: 'a.json', origin: 'local' },
      { path: 'b.json', code: 'CONTENT_DELETED' },
      { path: 'c.json', code: 'CONTENT_NOT_FOUND' },
      { path: '../d.json', code: 'PATH_INVALID' },
    ]);
  });

  it.each([{}, { paths: [] }, { paths: ['a.json'], more: 1 }, { paths: 'a.json' }, [1]])(
    'refuse %j',
    async (body) => {
      const answer = await api.send('POST', '/v1/urls', body);
      expect(answer).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    },
  );

  it('carry the version in the URL where it is wanted', async () => {
    await api.close();
    api = await startApi({ config: { urlVersion: true, localBaseUrl: 'https://www.example/content' } });
    await api.put('a.json', '1');
    const { json } = await api.get('/v1/url/a.json');
    expect(json['url']).toBe(`https://www.example/content/a.json?v=${String(json['sha256']).slice(0, 8)}`);
  });
});
