import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ManualClock } from '@holdfast/domain/testing';
import { Secret } from '@holdfast/settings';
import { freePort } from '@holdfast/testing';
import { type EventStoreDbServer, startEventStoreDb } from '@holdfast/testing/event-store-db';
import { type ApiConfig, readConfig } from './config.ts';
import { compose, type Composed } from './compose.ts';
import { eventually, startApi } from './testing/start-api.ts';

let dataDir: string;
let server: EventStoreDbServer;
let config: ApiConfig;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
  server = await startEventStoreDb();
  config = {
    ...readConfig({ HOLDFAST_NODE: 'test-node', HOLDFAST_LOG_LEVEL: 'silent' }),
    diskMinFree: { percent: null, bytes: 1 },
    dataDir,
    port: await freePort(),
    eventStore: { kind: 'esdb', url: new Secret(server.url) },
    eventStorePrefix: '',
  };
});
afterEach(async () => {
  await server.close();
  rmSync(dataDir, { recursive: true });
});

it('serves the local files while the event store is away at the start, and everything once it is there', async () => {
  const api = await startApi({ dataDir, config });
  const published = await api.put('a.json', '{"kept":true}');
  await api.files.write('a.json', '{"kept":true}', {
    version: 0,
    position: String(published.json['position']),
  });
  await api.close();
  server.stop();

  const composing = compose(config);
  const url = `http://127.0.0.1:${config.port}`;
  const served = await eventually(
    () => fetch(`${url}/content/a.json`).catch(() => null),
    (answer) => answer?.status === 200,
  );
  expect(await served?.text()).toBe('{"kept":true}');
  expect(served?.headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/);
  const away = { status: 503, code: 'EVENT_STORE_UNAVAILABLE' };
  for (const path of ['/content/b.json', '/v1/health', '/v1/url/a.json', '/']) {
    expect([path, await (await fetch(`${url}${path}`)).json()]).toEqual([
      path,
      expect.objectContaining(away),
    ]);
  }
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([
    503,
    { ready: false, reasons: [{ code: 'EVENT_STORE_UNAVAILABLE' }] },
  ]);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);

  await server.start({ keepData: true });
  const composed: Composed = await composing;
  await composed.listen();
  expect((await fetch(`${url}/content/a.json`)).status).toBe(200);
  await composed.close();
}, 60_000);

it('tells people of the event store and of a full disk while it is away at the start, and when that is over', async () => {
  await (await startApi({ dataDir, config })).close();
  server.stop();
  const told: string[] = [];
  const receiver = createServer((request, response) => {
    void json(request).then((call) => {
      const { type, alert } = call as { type: string; alert: { code: string; subject: string } };
      told.push(`${type} ${alert.code} ${alert.subject}`);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const webhookUrl = new Secret(`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`);
  const webhookSecret = new Secret('0123456789abcdef');
  const diskMinFree = { percent: 100, bytes: null };
  const clock = new ManualClock();

  const composing = compose({ ...config, diskMinFree, webhookUrl, webhookSecret }, { clock });
  const toldOf = (what: string) =>
    eventually(
      () => {
        clock.advance(1_000);
        return told;
      },
      () => told.includes(what),
    );
  await toldOf('alert.raised DISK_LOW test-node/data');
  await toldOf('alert.raised EVENT_STORE_UNREACHABLE test-node/api');
  await server.start({ keepData: true });
  const composed = await composing;
  await toldOf('alert.cleared EVENT_STORE_UNREACHABLE test-node/api');
  await composed.close();
  receiver.close();
  expect(told).toHaveLength(3);
}, 60_000);

it('does not begin where what fails will not pass', async () => {
  server.faults.refusal = 'access-denied';
  await expect(compose(config)).rejects.toMatchObject({ code: 'EVENT_STORE_ACCESS_DENIED' });
});
