import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jobStream, nodeStream, parsePath, replicationStream } from '@holdfast/domain';
import { NODE, parseLines, startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const error = { code: 'OBJECT_STORE_UNAVAILABLE', message: 'The bucket does not answer.' };
const deadLettered = (path: string, version = 0) => ({
  type: 'ReplicationDeadLettered' as const,
  data: { path: parsePath(path), version, action: 'put' as const, attempts: 8, error },
});
const giveUp = (path: string) => api.append(replicationStream(parsePath(path)), deadLettered(path));

const report = (state: 'running' | 'waiting' | 'stopped', reason: string | null = null) => ({
  type: 'NodeReported' as const,
  data: {
    node: NODE,
    version: '1.0.0',
    runtime: 'node 24',
    startedAt: '2026-01-05T08:00:00.000Z',
    intervalSeconds: 5,
    projectors: [
      { name: 'local' as const, state, reason, checkpoint: null, pending: 0, oldestPendingAt: null },
    ],
    disks: [{ name: 'data', freeBytes: 1, totalBytes: 2 }],
    memoryBytes: 100,
  },
});

describe('GET /v1/replications', () => {
  it('FR-023 lists every version with its status, newest first, by page', async () => {
    for (const path of ['a.json', 'b.json', 'c.json']) await api.put(path, '1');
    await giveUp('b.json');
    const first = await api.get('/v1/replications?limit=2');
    expect(first.json['replications']).toMatchObject([
      { path: 'c.json', status: 'queued', attempts: 0, error: null },
      { path: 'b.json', status: 'dead-letter', attempts: 8, error },
    ]);
    const rest = await api.get(`/v1/replications?limit=2&cursor=${String(first.json['next'])}`);
    expect(rest.json).toMatchObject({ replications: [{ path: 'a.json' }], next: null });
    const dead = await api.get('/v1/replications?status=dead-letter');
    expect(dead.json['replications']).toHaveLength(1);
  });

  it.each(['status=processing', 'since=yesterday', 'wrong=1'])('refuses ?%s', async (query) => {
    expect(await api.get(`/v1/replications?${query}`)).toMatchObject({ status: 400 });
  });
});

describe('POST /v1/replications/retry', () => {
  const retry = (body: unknown) => api.send('POST', '/v1/replications/retry', body);

  it('FR-017 asks for another round of one dead letter', async () => {
    await api.put('a.json', '1');
    await giveUp('a.json');
    expect(await retry({ path: 'a.json' })).toMatchObject({
      status: 200,
      json: { path: 'a.json', version: 0 },
    });
    expect((await api.events()).at(-1)).toMatchObject({
      type: 'ReplicationRetryRequested',
      stream: 'replication-a.json',
    });
    const { json } = await api.get('/v1/replications?path=a.json');
    expect(json['replications']).toMatchObject([{ status: 'queued' }]);
  });

  it('asks for one that succeeded only when told so, and not for what is queued already', async () => {
    const { json } = await api.put('a.json', '1');
    await api.append(replicationStream(parsePath('a.json')), {
      type: 'ContentReplicated',
      data: {
        path: parsePath('a.json'),
        version: 0,
        action: 'put',
        sha256: String(json['sha256']),
        etag: 'e',
        attempt: 1,
        durationMs: 1,
      },
    });
    const refused = { status: 409, json: { code: 'NOTHING_TO_RETRY' } };
    expect(await retry({ path: 'a.json' })).toMatchObject(refused);
    expect(await retry({ path: 'a.json', again: true })).toMatchObject({
      status: 200,
      json: { path: 'a.json', version: 0 },
    });
    const state = await api.get('/v1/content/a.json');
    expect(state.json).toMatchObject({ cdn: null, origin: 'local' });
    expect(await retry({ path: 'a.json', again: true })).toMatchObject(refused);
  });

  it('asks for several that failed, and says of the others why not', async () => {
    for (const path of ['a.json', 'b.json', 'c.json']) await api.put(path, '1');
    await giveUp('a.json');
    await giveUp('c.json');
    const { status, json } = await retry({ paths: ['a.json', 'b.json', '../x.json', 'c.json', 'a.json'] });
    expect({ status, json }).toMatchObject({
      status: 200,
      json: {
        retried: [
          { path: 'a.json', version: 0 },
          { path: 'c.json', version: 0 },
        ],
        refused: [
          { path: 'b.json', code: 'NOTHING_TO_RETRY' },
          { path: '../x.json', code: 'PATH_INVALID' },
        ],
      },
    });
    const { json: after } = await api.get('/v1/replications');
    expect(after['counts']).toMatchObject({ queued: 3, 'dead-letter': 0 });
  });

  it('FR-017 asks for all as a job', async () => {
    await api.put('a.json', '1');
    await giveUp('a.json');
    const answer = await retry({ all: true });
    expect(answer).toMatchObject({
      status: 202,
      json: { kind: 'retry-all', node: NODE, state: 'requested' },
    });
  });

  it.each([
    [{ path: 'a.json' }, 409, 'NOTHING_TO_RETRY'],
    [{ path: 'never.json' }, 409, 'NOTHING_TO_RETRY'],
    [{ all: true }, 409, 'NOTHING_TO_RETRY'],
    [{ paths: [] }, 400, 'REQUEST_INVALID'],
    [{ paths: Array.from({ length: 101 }, () => 'a.json') }, 400, 'REQUEST_INVALID'],
    [{ all: false }, 400, 'REQUEST_INVALID'],
    [{}, 400, 'REQUEST_INVALID'],
    [{ path: 'a.json', all: true }, 400, 'REQUEST_INVALID'],
    [{ path: '../a.json' }, 400, 'PATH_INVALID'],
  ])('answers %j with %d %s', async (body, status, code) => {
    await api.put('a.json', '1');
    expect(await retry(body)).toMatchObject({ status, json: { code } });
    expect(await api.events()).toHaveLength(1);
  });
});

describe('GET /v1/audit', () => {
  it('ES-004 gives the events newest first, by path, type, actor and time', async () => {
    await api.put('a.json', '1');
    await api.put('b.json', '1');
    await api.delete('a.json?reason=over');
    const types = async (query: string) =>
      ((await api.get(`/v1/audit?${query}`)).json['events'] as { type: string }[]).map(({ type }) => type);
    expect(await types('path=a.json')).toEqual(['ContentDeleted', 'ContentPublished']);
    expect(await types('type=ContentDeleted')).toEqual(['ContentDeleted']);
    expect(await types('actor=nobody')).toEqual([]);
    expect(await types('to=2020-01-01T00:00:00Z')).toEqual([]);
    expect(await types('type=ContentPublished&from=2020-01-01T00:00:00Z&limit=1')).toHaveLength(1);
    const [newest] = (await api.get('/v1/audit?limit=1')).json['events'] as Record<string, unknown>[];
    expect(newest).toMatchObject({
      stream: 'content-a.json',
      version: 1,
      actor: 'local',
      data: { path: 'a.json', reason: 'over' },
      error: null,
    });
  });

  it('goes on at the cursor', async () => {
    for (let index = 0; index < 5; index += 1) await api.put('a.json', String(index));
    const seen: string[] = [];
    let query = 'limit=2&path=a.json';
    for (;;) {
      const { json } = await api.get(`/v1/audit?${query}`);
      seen.push(...(json['events'] as { position: string }[]).map(({ position }) => position));
      if (json['next'] === null) break;
      query = `limit=2&path=a.json&cursor=${json['next'] as string}`;
    }
    expect(seen).toEqual((await api.events()).map(({ position }) => position).reverse());
  });

  it('streams all of them as NDJSON', async () => {
    const lines = Array.from({ length: 1_200 }, (_, index) => ({ put: `d/${index}.json`, text: '1' }));
    await api.batch(lines);
    const { headers, body } = await api.get('/v1/audit?type=ContentPublished', {
      accept: 'application/x-ndjson',
    });
    expect(headers['content-type']).toBe('application/x-ndjson');
    expect(parseLines(body.toString())).toHaveLength(1_200);
  });

  it.each(['type=Nothing', 'from=x', 'wrong=1'])('refuses ?%s', async (query) => {
    expect(await api.get(`/v1/audit?${query}`)).toMatchObject({ status: 400 });
  });
});

describe('jobs', () => {
  const replay = (body: unknown) => api.send('POST', '/v1/replays', body);

  it('a replay is noted, can be watched and is listed', async () => {
    const { status, json } = await replay({});
    expect([status, json['parameters']]).toEqual([202, { until: null, prefix: null, out: null }]);
    const id = String(json['id']);
    await api.append(jobStream(id), {
      type: 'JobProgressed',
      data: { phase: 'writing', done: 1, total: 2 },
    });
    await api.append(jobStream(id), {
      type: 'JobFinished',
      data: { outcome: 'succeeded', counts: { files: 2 }, error: null },
    });
    const job = await api.get(`/v1/jobs/${id}`);
    expect(job.json).toMatchObject({ state: 'succeeded', counts: { files: 2 }, requestedBy: 'local' });
    expect((await api.get('/v1/jobs')).json['jobs']).toEqual([job.json]);
  });

  it('a replay of a part goes to a directory of its own', async () => {
    const body = { until: { instant: '2026-01-05T09:00:00+01:00' }, prefix: 'plans/', out: '/srv/as-of' };
    const { json } = await replay(body);
    expect(json['parameters']).toEqual({ ...body, until: { instant: '2026-01-05T08:00:00.000Z' } });
  });

  it.each([
    [{ prefix: 'a/' }, 'REQUEST_INVALID'],
    [{ until: { position: '1' } }, 'REQUEST_INVALID'],
    [{ until: { instant: 'friday' }, out: '/x' }, 'REQUEST_INVALID'],
    [{ until: { position: '1' }, out: '/x' }, 'REQUEST_INVALID'],
    [{ until: { position: '' }, out: '/x' }, 'REQUEST_INVALID'],
    [{ until: { position: '0'.repeat(17) }, out: '/x' }, 'REQUEST_INVALID'],
    [{ until: { position: 'a position there' }, out: '/x' }, 'REQUEST_INVALID'],
    [{ until: { position: '1', instant: '2026-01-05T09:00:00Z' }, out: '/x' }, 'REQUEST_INVALID'],
    [{ out: 'here' }, 'OUT_DIRECTORY_INVALID'],
    [{ flip: true }, 'REQUEST_INVALID'],
  ])('refuses the replay %j', async (body, code) => {
    expect(await replay(body)).toMatchObject({ status: 400, json: { code } });
    expect(await api.events()).toEqual([]);
  });

  it('answers 404 for a job that is not there', async () => {
    expect(await api.get('/v1/jobs/nothing')).toMatchObject({ status: 404, json: { code: 'JOB_NOT_FOUND' } });
  });
});

describe('health and probes', () => {
  it('tells of nodes, lag, documents, replications and disk', async () => {
    await api.put('a.json', '1');
    await giveUp('a.json');
    await api.append(nodeStream(NODE), report('running'));
    const { status, json } = await api.get('/v1/health');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      status: 'degraded',
      reasons: [],
      warnings: [{ code: 'DEAD_LETTERS' }],
      node: NODE,
      documents: { published: 1, deleted: 0 },
      replications: { queued: 0, 'dead-letter': 1 },
      oldestPendingAt: null,
      disk: { publishing: true },
      catalog: { lag: { events: 0, isAtLeast: false } },
      local: { generation: null, checkpoint: null, lag: { events: 1 } },
      nodes: [{ node: NODE, silent: false, projectors: [{ name: 'local', lag: { events: 1 } }] }],
    });
  });

  it('is ready when its projector runs; else it says why not', async () => {
    const reasons = async () => {
      const { status, json } = await api.get('/readyz');
      return [status, (json['reasons'] as { code: string }[]).map(({ code }) => code)];
    };
    expect(await reasons()).toEqual([503, ['PROJECTOR_SILENT']]);
    await api.append(nodeStream(NODE), report('running'));
    expect(await reasons()).toEqual([200, []]);
    await api.append(nodeStream(NODE), report('stopped', 'LOG_MISMATCH: other log'));
    expect(await reasons()).toEqual([503, ['PROJECTOR_STOPPED']]);
    expect((await api.get('/healthz')).json).toEqual({ status: 'ok' });
  });

  it('FR-017 says the same of dead letters everywhere, until newer versions take their place', async () => {
    await api.append(nodeStream(NODE), report('running'));
    for (const path of ['a.json', 'b.json', 'c.json']) await api.put(path, '1');
    const told = async () => {
      const { json: health } = await api.get('/v1/health');
      const { json: ready } = await api.get('/readyz');
      const { json: list } = await api.get('/v1/replications?status=dead-letter');
      const metric = /holdfast_replications\{status="dead-letter",node="test-node"\} (\d+)/;
      return {
        listed: (list['replications'] as unknown[]).length,
        counted: (list['counts'] as Record<string, number>)['dead-letter'],
        health: [health['status'], (health['replications'] as Record<string, number>)['dead-letter']],
        warned: health['warnings'],
        ready: [ready['ready'], ready['warnings']],
        metric: Number(metric.exec((await api.get('/metrics')).body.toString())?.[1]),
      };
    };
    const none = { listed: 0, counted: 0, health: ['ok', 0], warned: [], ready: [true, []], metric: 0 };
    expect(await told()).toEqual(none);
    for (const path of ['a.json', 'b.json']) await giveUp(path);
    const warnings = [{ code: 'DEAD_LETTERS', detail: expect.stringContaining('2 documents were given up') }];
    expect(await told()).toEqual({
      listed: 2,
      counted: 2,
      health: ['degraded', 2],
      warned: warnings,
      ready: [true, warnings],
      metric: 2,
    });
    await api.put('a.json', '2');
    await api.delete('b.json');
    expect(await told()).toEqual(none);
  });

  it('warns of a projector that cannot go on by itself, and stays ready', async () => {
    await api.append(nodeStream(NODE), report('waiting', 'BUCKET_NOT_FOUND: there is no bucket "x"'));
    expect(await api.get('/readyz')).toMatchObject({
      status: 200,
      json: {
        ready: true,
        warnings: [
          {
            code: 'PROJECTOR_WAITING',
            detail: 'The local projector waits: BUCKET_NOT_FOUND: there is no bucket "x"',
          },
        ],
      },
    });
    expect((await api.get('/v1/health')).json).toMatchObject({ status: 'degraded' });
  });

  it('counts for Prometheus', async () => {
    await api.put('a.json', '1');
    await api.put('a.json', '1');
    await api.get('/content/a.json');
    const text = (await api.get('/metrics')).body.toString();
    for (const line of [
      `holdfast_documents_changed_total{outcome="published",node="${NODE}"} 1`,
      `holdfast_documents_changed_total{outcome="unchanged",node="${NODE}"} 1`,
      `holdfast_local_origin_answers_total{from="log",node="${NODE}"} 1`,
      `holdfast_replications{status="queued",node="${NODE}"} 1`,
      `holdfast_catalog_lag_events{node="${NODE}"} 0`,
    ]) {
      expect(text).toContain(line);
    }
    expect(text).toContain('route="/v1/content/*",status="201"');
  });
});
