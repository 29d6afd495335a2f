import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sha256Of } from '@holdfast/domain';
import { startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

describe('GET /v1/tree', () => {
  it('lists a level by page, each document with what is published, on this disk and in the bucket', async () => {
    const { json } = await api.put('b.json', '1');
    for (const path of ['a/1.json', 'a/2.json', 'c.json']) await api.put(path, '1');
    await api.files.write('b.json', '1', { version: 0, position: String(json['position']) });
    const first = await api.get('/v1/tree?limit=2');
    expect(first.json).toMatchObject({
      prefix: '',
      entries: [
        { kind: 'directory', path: 'a/', documents: { count: 2, isAtLeast: false } },
        {
          kind: 'document',
          path: 'b.json',
          version: 0,
          local: { version: 0, sha256: sha256Of(Buffer.from('1')) },
          cdn: null,
        },
      ],
    });
    const second = await api.get(`/v1/tree?limit=2&cursor=${String(first.json['next'])}`);
    expect(second.json).toMatchObject({ entries: [{ path: 'c.json', local: null }], next: null });
    const afterDirectory = await api.get('/v1/tree?limit=1');
    const rest = await api.get(`/v1/tree?cursor=${String(afterDirectory.json['next'])}`);
    expect(rest.json).toMatchObject({ entries: [{ path: 'b.json' }, { path: 'c.json' }] });
  });

  it('has the deleted ones where they are asked for', async () => {
    await api.put('a.json', '1');
    await api.delete('a.json');
    expect((await api.get('/v1/tree')).json['entries']).toEqual([]);
    expect((await api.get('/v1/tree?status=all')).json['entries']).toMatchObject([
      { path: 'a.json', status: 'deleted', local: null, sha256: null },
    ]);
  });

  it.each(['limit=0', 'limit=1001', 'cursor=%20', 'status=gone', 'wrong=1'])('refuses ?%s', async (query) => {
    const answer = await api.get(`/v1/tree?${query}`);
    expect(answer).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
  });
});

describe('GET /v1/tree/summary', () => {
  it('says how much a deletion of the directory would take away', async () => {
    await api.put('a/1.json', '1');
    await api.put('a/2.json', '22');
    await api.put('ab.json', '1');
    expect((await api.get('/v1/tree/summary?prefix=a/')).json).toEqual({
      prefix: 'a/',
      documents: { count: 2, isAtLeast: false },
      bytes: 3,
      onCdn: 0,
    });
  });
});
