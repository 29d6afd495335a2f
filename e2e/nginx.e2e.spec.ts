import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { readSettings } from '@holdfast/settings';
import { type Product, startProduct, waitFor } from '@holdfast/testing';
import { describeWithNginx, type Nginx, startNginx } from '@holdfast/testing/nginx-suite';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

const CONFIGURATION = fileURLToPath(new URL('../deploy/nginx.conf', import.meta.url));
const LARGE = JSON.stringify({ text: 'שלום '.repeat(2_000) });

jest.setTimeout(120_000);

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** `fetch` would tidy up the path. */
function ask(
  base: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

describeWithNginx('deploy/nginx.conf', (program) => {
  let product: Product;
  let nginx: Nginx;
  let elsewhere: string;

  const publish = async (path: string, text: string): Promise<void> => {
    const answer = await fetch(`${product.url}/v1/content/${path}?wait=local`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: text,
    });
    expect(answer.status).toBeLessThan(202);
  };
  const get = (path: string, headers?: Record<string, string>): Promise<Answer> =>
    ask(nginx.url, `/content/${path}`, headers);
  const servedByApi = ({ headers }: Answer): boolean => 'x-request-id' in headers || 'etag' in headers;

  beforeAll(async () => {
    product = await startProduct();
    nginx = await startNginx({
      program,
      configuration: CONFIGURATION,
      dataDir: product.dataDir,
      apiUrl: product.url,
    });
    elsewhere = mkdtempSync(join(tmpdir(), 'holdfast-elsewhere-'));
    await publish('units/u1.json', '1');
    await publish('units/u1.json', '2');
    await publish('units/שלום (1).json', '"ש"');
    await publish('large.json', LARGE);
  });

  afterAll(async () => {
    await nginx.stop();
    await product.stop();
    rmSync(elsewhere, { recursive: true, force: true });
  });

  describe('serves a document', () => {
    it('from the disk, with the headers of the local origin and no validator', async () => {
      const answer = await get('units/u1.json');
      expect(servedByApi(answer)).toBe(false);
      expect([answer.status, answer.body.toString()]).toEqual([200, '2']);
      const { cacheControl } = readSettings({}, ['cacheControl']);
      const { headers } = await ask(product.url, '/content/units/u1.json');
      expect(answer.headers).toMatchObject({
        'content-type': 'application/json',
        'content-length': '1',
        'cache-control': cacheControl,
        vary: 'Accept-Encoding',
        'x-content-type-options': 'nosniff',
        'access-control-allow-origin': '*',
        'access-control-expose-headers': headers['access-control-expose-headers'],
      });
      for (const name of ['cache-control', 'vary', 'x-content-type-options', 'access-control-allow-origin']) {
        expect([name, answer.headers[name]]).toEqual([name, headers[name]]);
      }
      for (const name of ['etag', 'last-modified', 'accept-ranges', 'server-timing']) {
        expect(answer.headers).not.toHaveProperty(name);
      }
    });

    it('whole, whatever tag, time or range is asked by', async () => {
      const { mtime } = statSync(join(product.dataDir, 'content/large.json'));
      for (const headers of [
        { 'if-none-match': '"1-1"' },
        { 'if-modified-since': mtime.toUTCString() },
        { 'if-modified-since': 'Fri, 01 Jan 2038 00:00:00 GMT' },
        { range: 'bytes=0-0' },
        { range: 'bytes=10-20', 'if-range': '"1"' },
      ]) {
        const answer = await get('large.json', headers);
        expect([answer.status, answer.body.toString() === LARGE]).toEqual([200, true]);
      }
    });

    it('compressed where that is asked for and worth it', async () => {
      const gzip = { 'accept-encoding': 'gzip' };
      const large = await get('large.json', gzip);
      expect(large.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(large.body).toString()).toBe(LARGE);
      expect((await get('units/u1.json', gzip)).headers).not.toHaveProperty('content-encoding');
      expect((await get('large.json')).body.toString()).toBe(LARGE);
    });

    it('by its name in any script, with spaces, and with a query', async () => {
      for (const path of ['units/%D7%A9%D7%9C%D7%95%D7%9D%20(1).json', 'units/u1.json?v=12345678']) {
        const answer = await get(path);
        expect([answer.status, servedByApi(answer)]).toEqual([200, false]);
      }
    });

    it('to HEAD', async () => {
      const answer = await ask(nginx.url, '/content/large.json', {}, 'HEAD');
      expect([answer.status, answer.headers['content-length']]).toEqual([
        200,
        String(Buffer.byteLength(LARGE)),
      ]);
    });
  });

  it('lets the API answer what pages ask before they ask', async () => {
    const headers = { origin: 'https://www.example.org', 'access-control-request-method': 'GET' };
    const answer = await ask(nginx.url, '/content/units/u1.json', headers, 'OPTIONS');
    expect([answer.status, answer.headers['access-control-allow-methods']]).toEqual([204, 'GET, HEAD']);
  });

  describe('never serves', () => {
    const SECRET = 'nobody may read this';

    beforeAll(() => {
      const content = join(product.dataDir, 'content/');
      writeFileSync(join(content, 'units/u1.json.tmp.4b4a6f2e'), SECRET);
      writeFileSync(join(content, 'units/.hidden.json'), SECRET);
      mkdirSync(join(content, '.dot'));
      writeFileSync(join(content, '.dot/a.json'), SECRET);
      writeFileSync(join(content, 'units/plain.txt'), SECRET);
      writeFileSync(join(elsewhere, 'secret.json'), SECRET);
      symlinkSync(join(elsewhere, 'secret.json'), join(content, 'units/link.json'));
      symlinkSync(elsewhere, join(content, 'linked'));
      writeFileSync(join(product.dataDir, 'secret.json'), SECRET);
    });

    it.each([
      'units/u1.json.prev',
      'units/u1.json.tmp.4b4a6f2e',
      'units/.hidden.json',
      '.dot/a.json',
      'units/%2ehidden.json',
      '%2edot/a.json',
      'units/plain.txt',
      'units/link.json',
      'linked/secret.json',
      '../secret.json',
      '../../secret.json',
      '%2e%2e/secret.json',
      '..%2fsecret.json',
      '%2e%2e%2fsecret.json',
      'units/..%2f..%2fsecret.json',
      'units/%2e%2e/%2e%2e/secret.json',
      '..%5csecret.json',
      '../generations/000001.db',
      '../events.db',
      '../events.db%00.json',
      'units/u1.json.prev%00.json',
      'units/u1.json.prev/.json',
      'units/u1.json.prev?x=.json',
      'units/u1.json.prev%3f.json',
      'units/u1.json.prev%23.json',
      'units/u1.json/',
      'units/u1.json%0a',
      'units/',
      '',
      '/etc/passwd',
      '%2fetc%2fpasswd',
      '..;/secret.json',
      'units\\..\\..\\secret.json',
    ])('/content/%s', async (path) => {
      const answer = await get(path);
      expect([400, 404]).toContain(answer.status);
      expect(answer.body.toString()).not.toContain(SECRET);
    });

    it.each(['units%2fu1.json', 'units%2Fu1.json', '/units/u1.json', 'units//u1.json'])(
      'a second name of a document that the API does not have either: /content/%s',
      async (path) => {
        const [answer, api] = await Promise.all([get(path), ask(product.url, `/content/${path}`)]);
        expect([answer.status, servedByApi(answer)]).toEqual([api.status, true]);
      },
    );

    it.each(['/', '/v1/content', '/v1/mode', '/healthz', '/metrics', '/docs', '/contents', '/content'])(
      'anything of the API but content: %s',
      async (path) => {
        expect((await ask(nginx.url, path)).status).toBe(404);
      },
    );

    it('commands', async () => {
      const headers = { 'content-type': 'application/json' };
      for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
        const asked = (base: string) => ask(base, '/content/units/u1.json', headers, method);
        const [answer, api] = await Promise.all([asked(nginx.url), asked(product.url)]);
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect([method, answer.status]).toEqual([method, api.status]);
      }
      expect((await get('units/u1.json')).body.toString()).toBe('2');
    });
  });

  it('finds a document whose file is not there, as the API has it from the log', async () => {
    await publish('units/lost.json', '"lost"');
    rmSync(join(product.dataDir, 'content/units/lost.json'));
    const answer = await get('units/lost.json');
    expect([answer.status, answer.body.toString(), servedByApi(answer)]).toEqual([200, '"lost"', true]);
  });

  it('says that a deleted document is gone, as the API does', async () => {
    await publish('units/gone.json', '1');
    await fetch(`${product.url}/v1/content/units/gone.json`, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
    });
    await waitFor('the file to be gone', async () => (await get('units/gone.json')).status === 410);
  });

  /** Readers that ask as fast as they can until the work is done; what they got that they should not have. */
  async function whileRead(
    path: string,
    isRight: (answer: Answer) => boolean,
    work: () => Promise<void>,
  ): Promise<{ reads: number; wrong: string[] }> {
    let [isOver, reads] = [false, 0];
    const wrong: string[] = [];
    const reader = async (): Promise<void> => {
      while (!isOver) {
        const answer = await get(path).catch((error: Error) => error);
        reads += 1;
        if (answer instanceof Error) wrong.push(answer.message);
        else if (!isRight(answer)) wrong.push(`${answer.status} ${answer.body.subarray(0, 80).toString()}`);
      }
    };
    const readers = Promise.all(Array.from({ length: 4 }, reader));
    await work().finally(() => {
      isOver = true;
    });
    await readers;
    return { reads, wrong };
  }

  it('no reader misses a document while generations replace each other', async () => {
    const flips = 5;
    const before = readFileSync(join(product.dataDir, 'content/large.json'), 'utf8');
    let fromApi = 0;
    const { reads, wrong } = await whileRead(
      'large.json',
      (answer) => {
        if (servedByApi(answer)) fromApi += 1;
        return answer.status === 200 && answer.body.toString() === before;
      },
      async () => {
        for (let flip = 0; flip < flips; flip += 1) {
          expect((await product.holdfast('replay')).code).toBe(0);
        }
      },
    );
    expect(wrong).toEqual([]);
    expect(reads).toBeGreaterThan(200);
    // The fallback is there for what is lost, not for every flip.
    expect(fromApi).toBeLessThan(reads / 10);
  });

  it('no reader sees half of one version and half of another', async () => {
    const version = (count: number): string => JSON.stringify(String(count % 10).repeat(100_000 + count));
    await publish('torn.json', version(0));
    const { reads, wrong } = await whileRead(
      'torn.json',
      ({ status, body }) => status === 200 && /^"(\d)\1*"$/.test(body.toString()),
      async () => {
        for (let count = 1; count <= 150; count += 1) await publish('torn.json', version(count));
      },
    );
    expect(wrong).toEqual([]);
    expect(reads).toBeGreaterThan(100);
  });

  it('serves the other tree as soon as the link leads there', async () => {
    const link = join(product.dataDir, 'content');
    mkdirSync(join(elsewhere, 'tree/units'), { recursive: true });
    writeFileSync(join(elsewhere, 'tree/units/u1.json'), '"other"');
    const before = readFileSync(join(link, 'units/u1.json'), 'utf8');
    // As a flip does it, and back before the projector takes offence.
    renameSync(link, `${link}.before`);
    symlinkSync(join(elsewhere, 'tree'), link);
    const other = await get('units/u1.json');
    rmSync(link);
    renameSync(`${link}.before`, link);
    expect(other.body.toString()).toBe('"other"');
    expect((await get('units/u1.json')).body.toString()).toBe(before);
  });
});
