import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { CDN, sendRaw, startApi, type TestApi } from './testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi({ config: { localBaseUrl: 'https://www.example:8443/content' } });
});
afterEach(() => api.close());

describe('Host', () => {
  it.each([
    'localhost',
    'localhost:1',
    '127.0.0.1:8080',
    '127.1.2.3',
    '[::1]:8080',
    'LOCALHOST',
    'www.example:8443',
    new URL(CDN).host,
  ])('answers to %s', async (host) => {
    expect((await api.get('/v1/mode', { host })).status).toBe(200);
    expect((await api.get('/content/never.json', { host })).status).toBe(404);
  });

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'www.example', '10.0.0.1'])(
    'refuses %j everywhere with HOST_NOT_ALLOWED',
    async (host) => {
      for (const url of ['/v1/mode', '/content/a.json', '/healthz', '/nowhere', '/docs']) {
        const answer = await api.get(url, { host });
        expect([url, answer.status, answer.json['code']]).toEqual([url, 403, 'HOST_NOT_ALLOWED']);
      }
    },
  );

  it('learns the hosts that the mode names', async () => {
    await api.send('PUT', '/v1/mode', { localBaseUrl: 'https://new.example/content', reason: 'moved' });
    expect((await api.get('/v1/mode', { host: 'new.example' })).status).toBe(200);
  });
});

describe('Origin', () => {
  const put = (origin: string) =>
    api.put('a.json', '1', { origin, host: 'localhost:8080', 'x-holdfast-csrf': '1' });

  it.each(['http://localhost:8080', 'https://www.example:8443'])('takes commands from %s', async (origin) => {
    expect((await put(origin)).status).toBe(201);
  });

  it.each(['https://evil.example', 'http://localhost:3000', 'https://localhost:8080', 'null'])(
    'refuses commands from %s',
    async (origin) => {
      expect(await put(origin)).toMatchObject({ status: 403, json: { code: 'ORIGIN_NOT_ALLOWED' } });
      const deleted = await api.delete('a.json', { origin });
      expect(deleted).toMatchObject({ status: 403, json: { code: 'ORIGIN_NOT_ALLOWED' } });
      expect(await api.events()).toEqual([]);
    },
  );
});

describe('the CSRF header', () => {
  const fromBrowser = { host: 'localhost:8080', origin: 'http://localhost:8080' };

  it.each([fromBrowser, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }])(
    'is asked of a command with %j, and of no question',
    async (headers) => {
      const refused = { status: 403, json: { code: 'CSRF_HEADER_MISSING' } };
      expect(await api.put('a.json', '1', headers)).toMatchObject(refused);
      expect(await api.delete('a.json', { ...headers, 'x-holdfast-csrf': '0' })).toMatchObject(refused);
      expect((await api.get('/v1/mode', headers)).status).toBe(200);
      expect((await api.put('a.json', '1', { ...headers, 'x-holdfast-csrf': '1' })).status).toBe(201);
    },
  );

  it('is sent by the page of /docs', async () => {
    const page = await api.get('/docs/static/swagger-initializer.js');
    expect(page.body.toString()).toContain("'x-holdfast-csrf': '1'");
  });
});

describe('content types of commands', () => {
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
    'refuses %j, which a form could send',
    async (type) => {
      for (const [method, url] of [
        ['PUT', '/v1/mode'],
        ['POST', '/v1/replays'],
        ['POST', '/v1/batch'],
        ['PUT', '/v1/content/a.json'],
      ] as const) {
        const answer = await api.inject({ method, url, headers: { 'content-type': type }, payload: '{}' });
        expect([url, answer.status, answer.json['code']]).toEqual([url, 415, 'CONTENT_TYPE_UNSUPPORTED']);
      }
    },
  );

  it('refuses a compressed body', async () => {
    const answer = await api.put('a.json', '1', { 'content-encoding': 'gzip' });
    expect(answer).toMatchObject({ status: 415, json: { code: 'CONTENT_TYPE_UNSUPPORTED' } });
  });
});

describe('what is no proper request', () => {
  const PROBLEM = /^application\/problem\+json/;

  it('is answered with a problem by routes that are not there', async () => {
    for (const [method, url] of [
      ['GET', '/v2/content/a.json'],
      ['POST', '/v1/content/a.json'],
      ['DELETE', '/v1/mode'],
      ['PATCH', '/v1/mode'],
    ] as const) {
      const { status, json, headers } = await api.inject({ method, url });
      expect([status, json['code']]).toEqual([404, 'ROUTE_NOT_FOUND']);
      expect(headers['content-type']).toMatch(PROBLEM);
    }
  });

  it('is answered with a problem by a body above the limit of a command', async () => {
    const body = { reason: 'x'.repeat(2 * 1024 * 1024), pinned: true };
    const { status, json } = await api.send('PUT', '/v1/mode', body);
    expect([status, json['code']]).toEqual([413, 'DOCUMENT_TOO_LARGE']);
  });

  it('is answered with a problem when a body is missing altogether', async () => {
    const url = await api.listen();
    const bare = async (method: string, path: string, type: string) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.end(
        `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`,
      );
      return Buffer.concat((await socket.toArray()) as Buffer[]).toString();
    };
    expect(await bare('PUT', '/v1/content/a.json', 'application/json')).toContain('"code":"JSON_INVALID"');
    expect(await bare('PUT', '/v1/mode', 'application/json')).toContain('"code":"JSON_INVALID"');
    expect(await bare('POST', '/v1/batch', 'application/x-ndjson')).toContain('"done":true');
  });

  it('is answered with a problem when its headers are too large, or it is no HTTP', async () => {
    const url = await api.listen();
    const large = await sendRaw(url, { path: '/v1/mode', headers: { 'x-large': 'x'.repeat(20_000) } });
    expect([large.status, large.headers['content-type']]).toEqual([431, 'application/problem+json']);
    expect(JSON.parse(large.body.toString())).toMatchObject({ status: 431, code: 'REQUEST_INVALID' });
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.end('this is not HTTP\r\n\r\n');
    const answer = Buffer.concat((await socket.toArray()) as Buffer[]).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('"code":"REQUEST_INVALID"');
  });
});
