import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '../product.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type Fault, scriptedFaults } from './faults.ts';
import { type Origin, startClient, startOrigin } from './origin.fixture.ts';

let origin: Origin;
let proxy: FaultProxy;
let client: ReturnType<typeof startClient>;

beforeEach(async () => {
  origin = await startOrigin();
  proxy = await startFaultProxy(origin.endpoint);
  client = startClient(proxy.endpoint);
});

afterEach(async () => {
  client.close();
  await proxy.close();
  origin.close();
});

const inject = (fault: Fault) => proxy.inject(scriptedFaults([fault]));
const bodies = () => origin.received.map(({ body }) => body);
const stored = (body: string) => expect.objectContaining({ status: 200, body: `stored ${body}` });

describe('the fault proxy without faults', () => {
  it('passes requests as they are, also several on one connection and chunked ones', async () => {
    expect(await client.send('PUT', '/b/u%201.json?x-id=PutObject', 'one')).toEqual(stored('one'));
    expect(await client.send('POST', '/b/?delete', ['tw', 'o'])).toEqual(stored('two'));

    const host = new URL(proxy.endpoint).host;
    expect(origin.received).toMatchObject([
      {
        method: 'PUT',
        url: '/b/u%201.json?x-id=PutObject',
        headers: { host, 'content-length': '3', 'x-case': 'Kept' },
        body: 'one',
      },
      { method: 'POST', url: '/b/?delete', headers: { host, 'transfer-encoding': 'chunked' }, body: 'two' },
    ]);
    expect(proxy.requests).toEqual([
      {
        ...{ method: 'PUT', path: '/b/u 1.json', query: 'x-id=PutObject', nth: 0 },
        ...{ fault: null, reachedServer: true, status: 200, isAnswered: true },
      },
      {
        ...{ method: 'POST', path: '/b/', query: 'delete', nth: 0 },
        ...{ fault: null, reachedServer: true, status: 200, isAnswered: true },
      },
    ]);
  });

  it('passes the answer to HEAD, which has a length and no body', async () => {
    expect(await client.send('HEAD', '/b/u1.json')).toMatchObject({
      status: 200,
      headers: { etag: '"e"', 'content-length': '7' },
      body: '',
    });
    expect(await client.send('GET', '/b/u1.json')).toEqual(stored(''));
  });

  it('resets the connection when the server is not there, and knows that it got nothing', async () => {
    origin.close();
    expect(await client.send('PUT', '/b/u1.json', 'one')).toBe('ECONNRESET');
    expect(proxy.requests).toMatchObject([{ fault: null, reachedServer: false, status: null }]);
  });
});

describe('a fault', () => {
  it.each<[Fault['kind'], { client: unknown; begun: number; server: string[]; log: object }]>([
    [
      'reset-in-request',
      { client: 'ECONNRESET', begun: 1, server: [], log: { reachedServer: false, status: null } },
    ],
    [
      'reset-before-answer',
      { client: 'ECONNRESET', begun: 0, server: [], log: { reachedServer: false, status: null } },
    ],
    [
      'internal-error',
      {
        client: expect.objectContaining({
          status: 500,
          body: expect.stringContaining('<Code>InternalError</Code>'),
        }),
        begun: 0,
        server: [],
        log: { reachedServer: false, status: 500, isAnswered: true },
      },
    ],
    [
      'slow-down',
      {
        client: expect.objectContaining({
          status: 503,
          body: expect.stringContaining('<Code>SlowDown</Code>'),
        }),
        begun: 0,
        server: [],
        log: { reachedServer: false, status: 503, isAnswered: true },
      },
    ],
    [
      'truncated-answer',
      {
        client: 'ECONNRESET',
        begun: 1,
        server: ['content'],
        log: { reachedServer: true, status: 200, isAnswered: false },
      },
    ],
    [
      'lost-answer',
      {
        client: 'ECONNRESET',
        begun: 1,
        server: ['content'],
        log: { reachedServer: true, status: 200, isAnswered: false },
      },
    ],
  ])('%s concerns one request, and the next one passes', async (kind, expected) => {
    inject({ kind } as Fault);

    expect(await client.send('PUT', '/b/u1.json', 'content')).toEqual(expected.client);
    await waitFor('the server to see it', () => origin.begun() === expected.begun);
    expect(bodies()).toEqual(expected.server);
    expect(proxy.requests).toMatchObject([{ fault: kind, isAnswered: false, ...expected.log }]);

    expect(await client.send('PUT', '/b/u1.json', 'content')).toEqual(stored('content'));
    expect(bodies()).toEqual([...expected.server, 'content']);
    expect(proxy.counts()).toEqual({ PUT: 2, [`PUT ${kind}`]: 1 });
  });

  it('reset-in-request cuts chunked requests too', async () => {
    inject({ kind: 'reset-in-request' });
    expect(await client.send('POST', '/b/?delete', ['first', 'second'])).toBe('ECONNRESET');
    await waitFor('the server to see it', () => origin.begun() === 1);
    expect(bodies()).toEqual([]);
  });

  it('truncated-answer cuts the head of an answer without body', async () => {
    inject({ kind: 'truncated-answer' });
    expect(await client.send('HEAD', '/b/u1.json')).toMatch(/ECONNRESET|HPE_/);
  });

  it('black-hole leaves the client waiting until it gives up', async () => {
    inject({ kind: 'black-hole' });
    const giveUp = new AbortController();
    const sent = client.send('PUT', '/b/u1.json', 'lost', giveUp.signal);
    await waitFor('the request to arrive', () => proxy.requests.length === 1);
    // The proxy has answered another request meanwhile: this one it does not answer.
    const other = startClient(proxy.endpoint);
    expect(await other.send('PUT', '/b/u2.json', 'passes')).toEqual(stored('passes'));
    other.close();

    giveUp.abort();
    expect(await sent).toBe('ABORT_ERR');
    expect(bodies()).toEqual(['passes']);
  });

  it('held reaches the server when the test says so, long after the client has gone', async () => {
    inject({ kind: 'held' });
    const giveUp = new AbortController();
    const sent = client.send('PUT', '/b/u1.json', 'old', giveUp.signal);
    await waitFor('the request to arrive', () => proxy.requests.length === 1);
    giveUp.abort();
    expect(await sent).toBe('ABORT_ERR');
    expect(await client.send('PUT', '/b/u1.json', 'new')).toEqual(stored('new'));

    expect(await proxy.deliverHeld()).toBe(1);
    expect(bodies()).toEqual(['new', 'old']);
    expect(proxy.requests[0]).toMatchObject({
      fault: 'held',
      reachedServer: true,
      status: 200,
      isAnswered: false,
    });
    expect(await proxy.deliverHeld()).toBe(0);
  });

  it('latency delivers the request even though the client has given up', async () => {
    inject({ kind: 'latency', ms: 50 });
    const giveUp = new AbortController();
    const sent = client.send('PUT', '/b/u1.json', 'late', giveUp.signal);
    await waitFor('the request to arrive', () => proxy.requests.length === 1);
    giveUp.abort();
    expect(await sent).toBe('ABORT_ERR');
    await waitFor('the server to get it', () => origin.received.length === 1);
    expect(bodies()).toEqual(['late']);
  });

  it('throttled changes nothing but the speed', async () => {
    inject({ kind: 'throttled', bytesPerSecond: 100_000 });
    const content = 'x'.repeat(20_000);
    expect(await client.send('PUT', '/b/u1.json', content)).toEqual(stored(content));
    expect(bodies()).toEqual([content]);
  });
});

describe('a proxy that is down', () => {
  it('refuses connections, and answers at the same address when it is up again', async () => {
    await proxy.goDown();
    expect(await client.send('PUT', '/b/u1.json', 'one')).toMatch(/ECONNREFUSED|ECONNRESET/);
    expect(await client.send('PUT', '/b/u1.json', 'one')).toBe('ECONNREFUSED');

    await proxy.comeUp();
    expect(await client.send('PUT', '/b/u1.json', 'one')).toEqual(stored('one'));
    expect(bodies()).toEqual(['one']);
  });

  it('resets requests that were waiting', async () => {
    inject({ kind: 'black-hole' });
    const sent = client.send('PUT', '/b/u1.json', 'one');
    await waitFor('the request to arrive', () => proxy.requests.length === 1);
    await proxy.goDown();
    expect(await sent).toBe('ECONNRESET');
  });
});
