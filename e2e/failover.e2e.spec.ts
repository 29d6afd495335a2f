// The product with a CDN of the tests' own over its bucket: what readers get while it serves rubbish and is gone.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Product, startProduct, waitFor } from '@holdfast/testing';

const MINUTES = 60_000;
const BODY = '{"unit":"one"}';

let dataDir: string;
let isRubbish = false;
let cdn: Server;
let cdnPort = 0;
let product: Product;

/** Serves what is in the bucket, or with status 200 something else. */
const listen = async (port: number): Promise<void> => {
  cdn = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://cdn');
    try {
      const bytes = readFileSync(join(dataDir, 'bucket', decodeURIComponent(pathname)));
      response.end(isRubbish ? '<html>Welcome!</html>' : bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => cdn.listen(port, '127.0.0.1', resolve));
  cdnPort = (cdn.address() as AddressInfo).port;
};

const end = async (): Promise<void> => {
  const closed = new Promise((resolve) => cdn.close(resolve));
  cdn.closeAllConnections();
  await closed;
};

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-failover-'));
  await listen(0);
  product = await startProduct({
    dataDir,
    env: { HOLDFAST_CDN_BASE_URL: `http://127.0.0.1:${cdnPort}`, HOLDFAST_FAILOVER: 'auto' },
  });
}, MINUTES);

afterAll(async () => {
  await product.stop();
  await end();
  rmSync(dataDir, { recursive: true });
});

const resolved = () => product.get<{ origin: string; url: string }>('/v1/url/units/one.json');
const isSentTo = async (origin: string): Promise<boolean> => (await resolved()).origin === origin;
const whatReadersGet = async (): Promise<string> => (await fetch((await resolved()).url)).text();
const alerts = async (): Promise<string[]> => {
  const open = await product.get<{ alerts: { code: string }[] }>('/v1/alerts?state=open');
  return open.alerts.map(({ code }) => code);
};

it(
  'readers leave a CDN that serves rubbish, stay away while it is gone, and come back when it is well; each switch says why',
  async () => {
    const headers = { 'content-type': 'application/json' };
    await fetch(`${product.url}/v1/content/units/one.json`, { method: 'PUT', headers, body: BODY });
    await waitFor('readers to be sent to the CDN', () => isSentTo('cdn'));
    expect(await whatReadersGet()).toBe(BODY);

    isRubbish = true;
    await waitFor('readers to be sent away', () => isSentTo('local'));
    expect(await whatReadersGet()).toBe(BODY);
    await waitFor('people to hear of it', async () => (await alerts()).includes('FAILED_OVER'));
    expect((await product.holdfast('status')).code).toBe(1);

    await end();
    isRubbish = false;
    expect(await whatReadersGet()).toBe(BODY);
    await listen(cdnPort);
    await waitFor('readers to be sent back', () => isSentTo('cdn'), 4 * MINUTES);
    expect(await whatReadersGet()).toBe(BODY);
    await waitFor('that to be over', async () => !(await alerts()).includes('FAILED_OVER'));

    const { stdout } = await product.holdfast('audit', '--type', 'ModeChanged', '--json');
    type ModeChanged = { data: { cause: string; localFallback: boolean; probes: unknown[] } };
    const switches = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as ModeChanged).data);
    const said = switches.map(({ cause, localFallback }) => `${cause} ${localFallback ? 'on' : 'off'}`);
    expect(said.sort()).toEqual(['probe off', 'probe on']);
    expect(switches.every(({ probes }) => probes.length >= 3)).toBe(true);
  },
  8 * MINUTES,
);
