import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { request } from 'node:http';
import { readdirSync } from 'node:fs';
import { eventually, parseLines, startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const bytesOf = async (path: string) =>
  (await api.get(`/v1/versions/${path}?version=current`)).body.toString();

describe('POST /v1/batch', () => {
  it('publishes the exact text, and the exact text of a value', async () => {
    const { status, results } = await api.batch([
      { put: 'a.json', text: '{ "n": 1.0 }\n' },
      '{"put":"b.json","body": {"n": 12345678901234567890, "x":[1.50 , "\\u00e9"]} }',
      '{"body":null,"put":"c.json"}',
      { put: 'a.json', text: '{ "n": 1.0 }\n' },
      { delete: 'b.json', reason: 'over' },
    ]);
    expect(status).toBe(200);
    expect(results).toMatchObject([
      { line: 1, path: 'a.json', ok: true, action: 'published', version: 0 },
      { line: 2, path: 'b.json', ok: true, action: 'published', version: 0 },
      { line: 3, path: 'c.json', ok: true, action: 'published', version: 0 },
      { line: 4, path: 'a.json', ok: true, action: 'unchanged', version: 0 },
      { line: 5, path: 'b.json', ok: true, action: 'deleted', version: 1 },
      { done: true, dryRun: false, published: 3, unchanged: 1, deleted: 1, failed: 0 },
    ]);
    const events = await api.events();
    expect(results.at(-1)).toMatchObject({ position: events.at(-1)?.position });
    expect(await bytesOf('a.json')).toBe('{ "n": 1.0 }\n');
    expect(await bytesOf('c.json')).toBe('null');
    const { body } = await api.get('/v1/versions/b.json?version=0');
    expect(body.toString()).toBe('{"n": 12345678901234567890, "x":[1.50 , "\\u00e9"]}');
  });

  it('keeps the order of lines about one path', async () => {
    const lines = Array.from({ length: 500 }, (_, index) => ({
      put: `d/${index % 5}.json`,
      text: String(index),
    }));
    const { results } = await api.batch(lines);
    const versions = results.slice(0, -1) as { line: number; version: number }[];
    expect(versions.map(({ line }) => line)).toEqual(lines.map((_, index) => index + 1));
    expect(versions.map(({ version }) => version)).toEqual(lines.map((_, index) => Math.floor(index / 5)));
    expect(await bytesOf('d/4.json')).toBe('499');
  });

  it('names what is wrong with a line and goes on', async () => {
    const lines: [unknown, string | null, string][] = [
      ['{"put":', null, 'JSON_INVALID'],
      ['{"put":"a.json","put":"b.json","text":"1"}', null, 'JSON_INVALID'],
      ['7', null, 'REQUEST_INVALID'],
      [{ put: 'a.json' }, 'a.json', 'REQUEST_INVALID'],
      [{ put: 'a.json', text: '1', body: 1 }, 'a.json', 'REQUEST_INVALID'],
      [{ put: 'a.json', text: '1', extra: 1 }, 'a.json', 'REQUEST_INVALID'],
      [{ put: 'a.json', delete: 'a.json' }, 'a.json', 'REQUEST_INVALID'],
      [{ put: '../a.json', text: '1' }, '../a.json', 'PATH_INVALID'],
      [{ put: 'a.json', text: '{' }, 'a.json', 'JSON_INVALID'],
      ['{"put":"a.json","text":"\\"\\ud800\\""}', null, 'JSON_INVALID'],
      [{ put: 'a.json', text: '1', contentType: 'text/html' }, 'a.json', 'CONTENT_TYPE_UNSUPPORTED'],
      [{ put: 'a.json', text: '1', ifMatch: 3 }, 'a.json', 'VERSION_MISMATCH'],
      [{ put: 'a.json', text: '1', ifMatch: '3' }, 'a.json', 'REQUEST_INVALID'],
      [{ delete: 'never.json' }, 'never.json', 'CONTENT_NOT_FOUND'],
    ];
    const { results } = await api.batch([...lines.map(([line]) => line), { put: 'ok.json', text: '1' }]);
    expect(results).toMatchObject([
      ...lines.map(([, path, code], index) => ({ line: index + 1, path, ok: false, code })),
      { path: 'ok.json', ok: true },
      { done: true, published: 1, failed: lines.length },
    ]);
    expect(await api.events()).toHaveLength(1);
  });

  it('takes content types, versions, blank lines and CRLF', async () => {
    const { results } = await api.batch([
      '{"put":"a.json","text":"1","contentType":"application/geo+json"}\r',
      '',
      '  ',
      '{"put":"a.json","text":"2","ifMatch":0}\r',
      '',
    ]);
    expect(results).toMatchObject([
      { line: 1, version: 0 },
      { line: 4, version: 1 },
      { done: true, published: 2 },
    ]);
    const { json } = await api.get('/v1/versions/a.json');
    expect(json['versions']).toMatchObject([{}, { contentType: 'application/geo+json' }]);
  });

  it('takes a document of exactly 16 MiB and refuses a byte more', async () => {
    const text = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
    const { results } = await api.batch([
      { put: 'a.json', text: text(16 * 1024 * 1024) },
      { put: 'b.json', text: text(16 * 1024 * 1024 + 1) },
      { put: 'c.json', text: text(34 * 1024 * 1024) },
      { put: 'd.json', text: '1' },
    ]);
    expect(results).toMatchObject([
      { path: 'a.json', ok: true },
      { path: 'b.json', ok: false, code: 'DOCUMENT_TOO_LARGE' },
      { line: 3, path: null, ok: false, code: 'DOCUMENT_TOO_LARGE' },
      { path: 'd.json', ok: true },
      { done: true, published: 2, failed: 2 },
    ]);
  });

  it('is one event for each line when it is sent twice', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => ({ put: `d/${index}.json`, text: '1' }));
    await api.batch(lines);
    const { results } = await api.batch(lines);
    expect(results.at(-1)).toMatchObject({ published: 0, unchanged: 300, position: null });
    expect(await api.events()).toHaveLength(300);
  });

  it.each(['application/json', 'text/plain'])('refuses %s with 415', async (type) => {
    const answer = await api.inject({
      method: 'POST',
      url: '/v1/batch',
      headers: { 'content-type': type },
      payload: '{}',
    });
    expect(answer).toMatchObject({ status: 415, json: { code: 'CONTENT_TYPE_UNSUPPORTED' } });
  });

  it('refuses parameters it does not know', async () => {
    expect(await api.batch([], '?dryrun=true')).toMatchObject({ status: 400 });
    expect(await api.batch([], '?dryRun=yes')).toMatchObject({ status: 400 });
  });
});

describe('?dryRun=true', () => {
  it('names every change and makes none', async () => {
    await api.put('a.json', '1');
    await api.put('b.json', '1');
    const { results } = await api.batch(
      [
        { put: 'a.json', text: '1' },
        { put: 'b.json', text: '2' },
        { put: 'c.json', text: '3' },
        { delete: 'b.json' },
        { delete: 'never.json' },
      ],
      '?dryRun=true',
    );
    expect(results).toMatchObject([
      { path: 'a.json', ok: true, action: 'unchanged', version: 0 },
      { path: 'b.json', ok: true, action: 'published', version: 0 },
      { path: 'c.json', ok: true, action: 'published', version: null },
      { path: 'b.json', ok: true, action: 'deleted', version: 0 },
      { path: 'never.json', ok: false, code: 'CONTENT_NOT_FOUND' },
      { done: true, dryRun: true, published: 2, unchanged: 1, deleted: 1, failed: 1, position: null },
    ]);
    expect(await api.events()).toHaveLength(2);
  });
});

describe('?ordered=true', () => {
  it('publishes what others point to first, manifests last, and deletes at the end', async () => {
    await api.put('lessons/old.json', '1');
    const link = (path: string) => JSON.stringify({ next: `content:${path}` });
    const { results } = await api.batch(
      [
        { delete: 'lessons/old.json' },
        { put: 'plans/p1/manifest.json', text: link('units/u1.json') },
        { put: 'units/u1.json', text: link('lessons/l1.json') },
        { put: 'lessons/l1.json', text: link('lessons/l2.json') },
        '{"put":"broken.json","text":"{"}',
        { put: 'lessons/l2.json', text: link('units/u1.json') },
        { put: 'units/u2.json', text: '1' },
      ],
      '?ordered=true',
    );
    const events = (await api.events()).slice(1).map(({ stream }) => stream.replace('content-', ''));
    expect(events.indexOf('units/u1.json')).toBeGreaterThan(events.indexOf('lessons/l1.json'));
    expect(events.slice(-2)).toEqual(['plans/p1/manifest.json', 'lessons/old.json']);
    expect(results).toHaveLength(8);
    expect(results[0]).toMatchObject({ line: 5, path: 'broken.json', ok: false });
    expect(results.at(-1)).toMatchObject({ done: true, published: 5, deleted: 1, failed: 1 });
    expect(readdirSync(api.dataDir).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it('keeps the lines about one path together and in their order', async () => {
    await api.batch(
      [
        { put: 'a.json', text: '1' },
        { delete: 'a.json' },
        { put: 'a.json', text: '2' },
        { put: 'b.json', text: '1' },
        { delete: 'b.json' },
      ],
      '?ordered=true',
    );
    expect((await api.get('/v1/content/a.json')).status).toBe(200);
    expect((await api.get('/v1/content/b.json')).status).toBe(410);
  });
});

describe('over a real connection', () => {
  let url: string;
  beforeEach(async () => {
    url = await api.listen();
  });

  const open = (query = '') =>
    request(`${url}/v1/batch${query}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/x-ndjson' },
    });

  it('answers lines while the request goes on', async () => {
    const sent = open();
    sent.write('{"put":"a.json","text":"1"}\n');
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    const lines = response[Symbol.asyncIterator]();
    expect(parseLines(String((await lines.next()).value))).toMatchObject([{ line: 1, ok: true }]);
    sent.write('{"put":"b.json","text":"1"}\n');
    expect(parseLines(String((await lines.next()).value))).toMatchObject([{ line: 2, ok: true }]);
    sent.end();
    expect(parseLines(String((await lines.next()).value))).toMatchObject([{ done: true, published: 2 }]);
  });

  it('goes on reading while the client reads nothing, with results waiting in a file', async () => {
    const count = 20_000;
    const sent = open('?dryRun=true');
    const answered = once(sent, 'response') as Promise<[NodeJS.ReadableStream]>;
    const name = `${'x'.repeat(180)}.json`;
    for (let index = 0; index < count; index += 1) {
      const line = JSON.stringify({ put: `d/${index}/${name}`, text: '1' });
      if (!sent.write(`${line}\n`)) await once(sent, 'drain');
    }
    sent.end();
    await once(sent, 'finish');
    const [response] = await answered;
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const results = parseLines(Buffer.concat(chunks).toString()) as { line?: number }[];
    expect(results.slice(0, -1).map(({ line }) => line)).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    );
    expect(results.at(-1)).toMatchObject({ done: true, published: count });
  });

  it('keeps what was answered when the connection is cut', async () => {
    const sent = open();
    sent.on('error', () => undefined);
    sent.write('{"put":"a.json","text":"1"}\n{"put":"b.json","te');
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    await once(response, 'data');
    sent.destroy();
    await eventually(
      () => api.get('/v1/content'),
      ({ json }) => (json['documents'] as unknown[]).length === 1,
    );
    expect(await api.put('b.json', '2')).toMatchObject({ status: 201 });
    expect((await api.events()).map(({ stream }) => stream)).toEqual(['content-a.json', 'content-b.json']);
  });

  it('leaves the server responsive', async () => {
    const sent = open();
    const done = (async () => {
      const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
      for await (const chunk of response) void chunk;
    })();
    const text = JSON.stringify({
      filling: Array.from({ length: 200 }, (_, index) => `words and words ${index}`),
    });
    let hasEnded = false;
    const sending = (async () => {
      for (let index = 0; index < 3_000; index += 1) {
        const line = JSON.stringify({ put: `d/${index}.json`, text: text.replace('[', `[${index},`) });
        if (!sent.write(`${line}\n`)) await once(sent, 'drain');
      }
      sent.end();
      await done;
      hasEnded = true;
    })();
    let answers = 0;
    while (!hasEnded) {
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      answers += 1;
    }
    await sending;
    // Were the loop held for the whole batch, there would be one or two.
    expect(answers).toBeGreaterThan(10);
  });
});
