import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { S3ObjectStore } from './s3-object-store.ts';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from './scripted-server.fixture.ts';

const made: ScriptedAnswer = { status: 200, headers: { etag: '"another sum"' } };
const isConditional = ({ headers }: IncomingMessage): boolean =>
  (headers['if-match'] ?? headers['if-none-match']) !== undefined;

describe('the capabilities of a server', () => {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await startScriptedServer();
  });
  afterAll(() => server.close());

  const open = (): S3ObjectStore =>
    new S3ObjectStore({
      bucket: 'site',
      prefix: '',
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'KEY', secretAccessKey: 'secret' },
      forcePathStyle: true,
      timeoutMs: 30_000,
      maxSockets: 4,
    });

  const NONE = { etagIsMd5: false, putIfNone: false, putIfMatch: false };

  it.each<[string, (request: IncomingMessage) => ScriptedAnswer, typeof NONE]>([
    ['ignores conditions', () => made, NONE],
    ['does not know conditions', (request) => (isConditional(request) ? { status: 501 } : made), NONE],
    ['calls conditions a mistake', (request) => (isConditional(request) ? { status: 400 } : made), NONE],
    [
      'fails every condition',
      (request) => (isConditional(request) ? { status: 412 } : made),
      { ...NONE, putIfNone: true },
    ],
  ])('that %s are found', async (_, answer, capabilities) => {
    server.answer = answer;
    const store = open();
    expect(await store.capabilities()).toEqual(capabilities);
    await store.close();
  });

  it('are asked of an object of its own, which is deleted', async () => {
    server.answer = made;
    server.requests.length = 0;
    const store = open();
    await store.capabilities();
    const lines = server.requests.map(({ line }) => line);
    expect(lines.slice(0, -1).filter((line) => !line.startsWith('PUT /site/.holdfast/ask/'))).toEqual([]);
    expect(lines.at(-1)).toMatch(/^POST \/site\/?\?delete/);
    await store.close();
  });

  it('are found of a server that takes one write of an object at a time', async () => {
    const seen = new Set<string>();
    server.answer = ({ method, url = '' }) => {
      const isTooSoon = method === 'PUT' && !seen.delete(url);
      if (isTooSoon) seen.add(url);
      return isTooSoon ? { status: 429 } : made;
    };
    const store = open();
    expect(await store.capabilities()).toEqual(NONE);
    await store.close();
  });

  it('are asked again when an ETag says that the server stores in another way by now', async () => {
    const text = Buffer.from('a');
    const md5 = hash('md5', text);
    server.answer = ({ headers }) => ({
      status: 200,
      headers: {
        etag: `"${Buffer.from(String(headers['content-md5']), 'base64').toString('hex')}"`,
      },
    });
    const store = open();
    expect(await store.capabilities()).toMatchObject({ etagIsMd5: true });
    // As with KMS, which anybody may make the default of a bucket at any time.
    server.answer = made;
    await store.put('a.json', text, { md5, contentType: 'text/plain', cacheControl: null, metadata: {} });
    expect(await store.capabilities()).toMatchObject({ etagIsMd5: false });
    await store.close();
  });

  it('are not asked any further of a server that lets nothing be stored', async () => {
    server.answer = { status: 403 };
    server.requests.length = 0;
    const store = open();
    await expect(store.capabilities()).rejects.toMatchObject({ code: 'BUCKET_ACCESS_DENIED' });
    expect(server.requests).toHaveLength(1);
    await store.close();
  });
});
