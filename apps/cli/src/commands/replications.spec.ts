import { afterEach, describe, expect, it } from '@jest/globals';
import type { Replication } from '@holdfast/api/types';
import type { RequestListener, ServerResponse } from 'node:http';
import { type Ran, runCli, serve } from '../testing/run-cli.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const error = {
  code: 'OBJECT_STORE_UNAVAILABLE',
  message: 'The bucket at https://s3.example.org did not answer within 30 seconds, so nothing was stored.',
};

const row = (path: string, status: Replication['status'], more: Partial<Replication> = {}) => ({
  path,
  version: 0,
  position: '0000000000000001',
  action: 'put',
  status,
  attempts: 1,
  queuedAt: '2026-11-23T12:00:00.000Z',
  startedAt: '2026-11-23T12:00:01.000Z',
  endedAt: '2026-11-23T12:00:02.500Z',
  nextRetryAt: null,
  localSha256: 'a'.repeat(64),
  cdnSha256: null,
  etag: null,
  verified: false,
  error: null,
  cause: { correlationId: 'request-1', causationId: 'request-1', actor: 'local' },
  ...more,
});
type Row = ReturnType<typeof row>;

const NONE = { queued: 0, failed: 0, success: 0, 'dead-letter': 0, superseded: 0 };

const answerJson = (response: ServerResponse, body: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** A server with these rows; `asked` has the queries it got. */
function withRows(rows: Row[] | ((query: URLSearchParams) => Row[]), counts: object = {}) {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://x');
    asked.push(decodeURIComponent(searchParams.toString()));
    const found = typeof rows === 'function' ? rows(searchParams) : rows;
    const limit = Number(searchParams.get('limit'));
    const start = Number(searchParams.get('cursor') ?? 0);
    const page = found.slice(start, start + limit);
    const next = found.length > start + limit ? String(start + limit) : null;
    answerJson(response, { replications: page, counts: { ...NONE, ...counts }, next });
  };
  return { asked, listener };
}

async function run(listener: RequestListener, args: string[], columns = 0): Promise<Ran> {
  const { url, close } = await serve(listener);
  cleanups.push(close);
  return runCli(['replications', ...args], { HOLDFAST_URL: url }, new AbortController().signal, columns);
}

describe('holdfast replications', () => {
  it('asks by path, prefix, status and time, and page by page', async () => {
    const { asked, listener } = withRows(Array.from({ length: 1_002 }, () => row('a.json', 'success')));
    await run(listener, [
      '--prefix',
      'plans/',
      '--status',
      'queued,failed',
      '--since',
      '2026-01-01T00:00:00Z',
      '--limit',
      '1001',
    ]);
    await run(listener, ['--path', 'a b.json', '--limit', '2']);
    expect(asked).toEqual([
      'prefix=plans/&status=queued,failed&since=2026-01-01T00:00:00Z&limit=1000',
      'prefix=plans/&status=queued,failed&since=2026-01-01T00:00:00Z&cursor=1000&limit=1',
      'path=a+b.json&limit=2',
    ]);
  });

  it('shows why, wrapped to the terminal, and paths whole at the end of the line', async () => {
    const { listener } = withRows([
      row('plans/תוכנית/مرحبا.json', 'failed', { nextRetryAt: '2026-11-23T12:00:30.000Z', error }),
      row('a.json', 'queued', { error, attempts: 8 }),
      row('b.json', 'success'),
    ]);
    const { exitCode, stdout } = await run(listener, [], 80);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'Status   Version  Action  Attempts  Queued                Path',
      'failed         0  put            1  2026-11-23T12:00:00Z  plans/תוכנית/مرحبا.json',
      '    next attempt 2026-11-23T12:00:30Z, after OBJECT_STORE_UNAVAILABLE: The',
      '    bucket at https://s3.example.org did not answer within 30 seconds, so',
      '    nothing was stored.',
      'queued         0  put            8  2026-11-23T12:00:00Z  a.json',
      '    asked for again after OBJECT_STORE_UNAVAILABLE: The bucket at',
      '    https://s3.example.org did not answer within 30 seconds, so nothing was',
      '    stored.',
      'success        0  put            1  2026-11-23T12:00:00Z  b.json',
      '',
    ]);
  });

  it('tells all that is known of one document, for who asks who did it and when', async () => {
    const done = { cdnSha256: 'a'.repeat(64), etag: 'e', verified: true };
    const { stdout } = await run(withRows([row('a.json', 'success', done)], { success: 7 }).listener, [
      '--path',
      'a.json',
    ]);
    expect(stdout.split('\n')).toEqual([
      'a.json',
      '',
      'Version 0      success (put)',
      'Published      2026-11-23T12:00:00Z by local',
      'Request        request-1',
      'Attempts       1',
      'Last began     2026-11-23T12:00:01Z',
      'Last ended     2026-11-23T12:00:02Z',
      'Next attempt   -',
      `Local SHA-256  ${'a'.repeat(64)}`,
      `CDN SHA-256    ${'a'.repeat(64)}`,
      'ETag           e',
      'Verified       yes',
      'Error          -',
      'In the whole log: 7 success.',
      '',
    ]);
  });

  it('ends with 1 where there are dead letters among what was asked for', async () => {
    const dead = { 'dead-letter': 3 };
    const well = [row('a.json', 'success')];
    const exitCodes = async (rows: Row[], counts: object, ...args: string[]) => [
      (await run(withRows(rows, counts).listener, args)).exitCode,
      (await run(withRows(rows, counts).listener, [...args, '--json'])).exitCode,
    ];
    expect(await exitCodes(well, {})).toEqual([0, 0]);
    expect(await exitCodes([row('a.json', 'dead-letter')], dead, '--path', 'a.json')).toEqual([1, 1]);
    // Further down than the limit reaches.
    expect(await exitCodes(well, dead)).toEqual([1, 1]);
    expect(await exitCodes(well, dead, '--status', 'success')).toEqual([0, 0]);
    expect(await exitCodes([], dead, '--prefix', 'b/')).toEqual([0, 0]);
  });

  it('--failed shows dead letters first, each row once, and misses none that is given up meanwhile', async () => {
    const before = [row('b.json', 'failed'), row('c.json', 'dead-letter'), row('a.json', 'failed')];
    const after = [row('b.json', 'dead-letter'), row('c.json', 'dead-letter'), row('a.json', 'failed')];
    const { listener } = withRows((query) => (query.get('status') === 'dead-letter' ? [before[1]!] : after));
    const { stdout, exitCode } = await run(listener, ['--failed', '--json']);
    const { replications, complete } = JSON.parse(stdout) as { replications: Row[]; complete: boolean };
    expect(replications.map(({ path, status }) => `${path} ${status}`)).toEqual([
      'c.json dead-letter',
      'b.json dead-letter',
      'a.json failed',
    ]);
    expect([exitCode, complete]).toEqual([1, true]);
    const some = await run(listener, ['--failed', '--limit', '2']);
    expect(
      some.stdout
        .split('\n')
        .slice(1, 3)
        .map((line) => line.split(/ +/).at(-1)),
    ).toEqual(['c.json', 'b.json']);
    expect(some.stderr).toContain('There are more');
  });

  it.each([
    [['--status', 'processing']],
    [['--status', 'queued,']],
    [['--failed', '--status', 'queued']],
    [['--path', 'a.json', '--prefix', 'a']],
    [['--limit', 'all']],
    [['retry', 'a.json', '--all']],
    [['retry', 'a.json', 'b.json']],
    [['retry', '--all', '--again']],
    [['retry', '--again']],
  ])('ends with 2 for %j', async (args) => {
    const { exitCode, stderr } = await run(withRows([]).listener, args);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^USAGE_INVALID/);
  });
});

describe('holdfast replications retry', () => {
  const job = (state: string, more: object = {}) => ({
    id: 'job-1',
    kind: 'retry-all',
    node: 'n',
    state,
    progress: null,
    counts: {},
    error: null,
    ...more,
  });

  it('--all waits until all are queued again, and says how many they were', async () => {
    const states = [
      job('requested'),
      job('running', { progress: { phase: 'asking', done: 2, total: 3 } }),
      job('succeeded', { counts: { requested: 3 } }),
    ];
    const bodies: string[] = [];
    const listener: RequestListener = (request, response) => {
      if (request.method === 'GET') {
        answerJson(response, states.length > 1 ? states.shift() : states[0]);
        return;
      }
      request.setEncoding('utf8').on('data', (chunk: string) => bodies.push(chunk));
      request.on('end', () => answerJson(response, job('requested'), 202));
    };
    const { exitCode, stdout } = await run(listener, ['retry', '--all']);
    expect([exitCode, stdout, bodies]).toEqual([0, 'Done: requested 3.\n', ['{"all":true}']]);
    const asJson = await run(listener, ['retry', '--all', '--json']);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ state: 'succeeded', counts: { requested: 3 } });
  });

  it('ends with 1 where there is nothing to retry', async () => {
    const detail = 'No replication has failed.';
    const listener: RequestListener = (_request, response) =>
      answerJson(response, { code: 'NOTHING_TO_RETRY', detail }, 409);
    expect(await run(listener, ['retry', 'a.json'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `NOTHING_TO_RETRY: ${detail}\n`,
    });
  });
});
