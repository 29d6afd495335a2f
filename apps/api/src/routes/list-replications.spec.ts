import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parsePath, replicationStream } from '@holdfast/domain';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { eventually, parseLines, startApi, type TestApi } from '../testing/start-api.ts';

type Row = Record<string, unknown> & { path: string; version: number; status: string };
interface Page {
  readonly replications: Row[];
  readonly counts: Record<string, number>;
  readonly next: string | null;
}

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const error = { code: 'OBJECT_STORE_UNAVAILABLE', message: 'The bucket does not answer.' };
const about = (path: string, version = 0) => ({ path: parsePath(path), version, action: 'put' }) as const;
const streamOf = (path: string) => replicationStream(parsePath(path));
const fail = (path: string, version = 0) =>
  api.append(streamOf(path), {
    type: 'ReplicationFailed',
    data: {
      ...about(path, version),
      attempt: 1,
      error,
      nextRetryAt: '2030-01-01T00:00:00.000Z',
      durationMs: 5,
    },
  });
const giveUp = (path: string, version = 0) =>
  api.append(streamOf(path), {
    type: 'ReplicationDeadLettered',
    data: { ...about(path, version), attempts: 8, error },
  });
const succeed = (path: string, version = 0) =>
  api.append(streamOf(path), {
    type: 'ContentReplicated',
    data: { ...about(path, version), sha256: null, etag: 'e', attempt: 2, durationMs: 5 },
  });

const list = async (query = ''): Promise<Page> =>
  (await api.get(`/v1/replications?${query}`)).json as unknown as Page;
const brief = ({ replications }: Page) =>
  replications.map(({ path, version, status }) => `${path} ${version} ${status}`);

describe('GET /v1/replications', () => {
  it('FR-023 tells everything of a version, and which request it came from', async () => {
    const { headers, json } = await api.put('a.json', '1');
    await fail('a.json');
    const { replications } = await list();
    expect(replications).toEqual([
      {
        path: 'a.json',
        version: 0,
        position: json['position'],
        action: 'put',
        status: 'failed',
        attempts: 1,
        queuedAt: expect.stringMatching(/Z$/),
        startedAt: expect.stringMatching(/Z$/),
        endedAt: expect.stringMatching(/Z$/),
        nextRetryAt: '2030-01-01T00:00:00.000Z',
        localSha256: json['sha256'],
        cdnSha256: null,
        etag: null,
        verified: false,
        error,
        cause: {
          correlationId: headers['x-request-id'],
          causationId: headers['x-request-id'],
          actor: 'local',
        },
      },
    ]);
  });

  it('finds by path, prefix, status and time', async () => {
    for (const path of ['a/1.json', 'a/2.json', 'b.json']) await api.put(path, '1');
    await giveUp('a/1.json');
    await fail('b.json');
    expect(brief(await list('prefix=a/'))).toEqual(['a/2.json 0 queued', 'a/1.json 0 dead-letter']);
    expect(brief(await list('path=b.json'))).toEqual(['b.json 0 failed']);
    expect(brief(await list('status=failed,dead-letter'))).toEqual([
      'b.json 0 failed',
      'a/1.json 0 dead-letter',
    ]);
    expect(brief(await list('status=dead-letter&prefix=b'))).toEqual([]);
    expect(brief(await list('since=2100-01-01T00:00:00Z'))).toEqual([]);
    expect(brief(await list('since=2020-01-01T00:00:00%2B02:00'))).toHaveLength(3);
  });

  it('counts the whole log by status, whatever was asked for', async () => {
    await api.put('a.json', '1');
    await api.put('a.json', '2');
    await api.put('b.json', '1');
    await giveUp('b.json');
    const counts = { queued: 1, failed: 0, success: 0, 'dead-letter': 1, superseded: 1 };
    expect((await list('path=b.json')).counts).toEqual(counts);
  });

  it('shows a row once, and leaves none out, though it comes right between two pages', async () => {
    for (const path of ['a.json', 'b.json', 'c.json', 'd.json']) await api.put(path, '1');
    for (const path of ['a.json', 'c.json']) await fail(path);
    const first = await list('limit=2');
    expect(brief(first)).toEqual(['d.json 0 queued', 'c.json 0 failed']);
    const failing = await list('limit=1&status=failed');
    expect(brief(failing)).toEqual(['c.json 0 failed']);
    await succeed('c.json');
    await api.put('e.json', '1');
    await api.put('d.json', '2');
    expect(brief(await list(`limit=9&cursor=${first.next}`))).toEqual(['b.json 0 queued', 'a.json 0 failed']);
    expect(brief(await list(`limit=1&status=failed&cursor=${failing.next}`))).toEqual(['a.json 0 failed']);
  });

  it.each([
    'status=processing',
    'status=',
    'status=failed,',
    'status=failed&status=queued',
    'cursor=!',
    'limit=0',
  ])('refuses ?%s', async (query) => {
    expect(await api.get(`/v1/replications?${query}`)).toMatchObject({
      status: 400,
      json: { code: 'REQUEST_INVALID' },
    });
  });
});

describe('GET /v1/replications as NDJSON', () => {
  const NDJSON = { accept: 'application/x-ndjson' };
  const publishMany = (count: number) =>
    api.batch(Array.from({ length: count }, (_, index) => ({ put: `many/${index}.json`, text: '1' })));

  it('gives the same rows, all of them, by the same filters', async () => {
    await publishMany(450);
    await giveUp('many/7.json');
    const { status, headers, body } = await api.get('/v1/replications?prefix=many/&limit=3', NDJSON);
    expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    const rows = parseLines(body.toString());
    const { replications } = await list('limit=1000');
    expect(rows).toEqual(replications);
    expect(rows).toHaveLength(450);
    const dead = await api.get('/v1/replications?status=dead-letter', NDJSON);
    expect(parseLines(dead.body.toString())).toMatchObject([{ path: 'many/7.json', status: 'dead-letter' }]);
    const { body: none } = await api.get('/v1/replications?status=success', NDJSON);
    expect(none.toString()).toBe('');
  });

  it('reads no more rows than the client takes', async () => {
    await publishMany(20_000);
    const url = await api.listen();
    const connected = once(api.server.server, 'connection').then(([socket]) => socket as Socket);
    const asked = request(`${url}/v1/replications`, { headers: NDJSON, agent: false });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const socket = await connected;
    // Nothing is read of the answer, so the buffers on the way fill up.
    await eventually(
      () => socket.writableNeedDrain,
      (isFull) => isFull,
    );
    const sent = socket.bytesWritten;
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    expect(parseLines(text)).toHaveLength(20_000);
    expect(sent).toBeLessThan(0.9 * text.length);
  }, 60_000);

  it('goes on serving when a client goes away in the middle', async () => {
    await publishMany(5_000);
    const url = await api.listen();
    const asked = request(`${url}/v1/replications`, { headers: NDJSON, agent: false });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    await once(answer, 'readable');
    answer.destroy();
    expect((await list('limit=1')).replications).toHaveLength(1);
  });
});
