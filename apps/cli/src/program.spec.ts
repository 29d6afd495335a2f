import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Ran, runCli, serve } from './testing/run-cli.ts';

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function against(listener: RequestListener, ...args: string[]): Promise<Ran> {
  const { url, close } = await serve(listener);
  cleanups.push(close);
  return runCli(args, { HOLDFAST_URL: url });
}

function directoryOf(count: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  for (let index = 0; index < count; index += 1)
    writeFileSync(join(directory, `${index}.json`), `{"id":${index}}`);
  return directory;
}

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** Nothing is published; batches go to the listener. */
const onBatch =
  (listener: (request: IncomingMessage, response: ServerResponse) => void): RequestListener =>
  (request, response) => {
    if (request.method === 'GET') json(response, 200, { documents: [], next: null });
    else listener(request, response);
  };

const published = (line: number, path: string, padding = '') =>
  `${JSON.stringify({ line, path, ok: true, action: 'published', version: 0, position: '1', padding })}\n`;

describe('exit codes', () => {
  it.each([
    ['an unknown command', ['frobnicate'], 2],
    ['an unknown option', ['status', '--frobnicate'], 2],
    ['a missing argument', ['publish'], 2],
    ['an argument too many', ['status', 'now'], 2],
    ['a choice that is none', ['mode', 'set', '--cdn', 'maybe', '--reason', 'x'], 2],
    ['options that exclude each other', ['mode', 'set', '--pin', '--unpin', '--reason', 'x'], 2],
    ['a change of nothing', ['mode', 'set', '--reason', 'x'], 2],
    ['a change without a reason', ['mode', 'set', '--cdn', 'off'], 2],
    ['a source that is not there', ['publish', '/nowhere/at/all'], 2],
    ['a source that is no document', ['publish', '/etc/passwd'], 2],
    ['an impossible prefix', ['publish', '/etc', '--into', '../up'], 2],
    ['a partial replay without --out', ['replay', '--prefix', 'units/'], 2],
    ['a copy of a log to where the log is', ['log', 'copy'], 2],
    ['a copy of a log from a server', ['log', 'copy', '--from', 'esdb://db1:2113'], 2],
    ['a copy of a log to nowhere known', ['log', 'copy', '--to', 'kurrentdb://db1:2113'], 2],
    ['an instant without an offset', ['replay', '--out', 'x', '--until', '2026-01-31T12:00:00'], 2],
    ['a retry of nothing in particular', ['replications', 'retry'], 2],
    ['a limit that is none', ['audit', '--limit', '0'], 2],
    ['help', ['help', 'publish'], 0],
    ['--help of a command below another', ['mode', 'set', '--help'], 0],
    ['a server that is not there', ['status'], 3],
  ])('%s', async (_what, args, expected) => {
    // Nothing ever listens on port 9 here.
    const { exitCode, stderr } = await runCli(args, { HOLDFAST_URL: 'http://127.0.0.1:9' });
    expect({ exitCode, stderr }).toEqual({
      exitCode: expected,
      stderr:
        expected === 0
          ? ''
          : expect.stringMatching(expected === 3 ? /^SERVER_UNREACHABLE: / : /^[A-Z]+_INVALID: /),
    });
  });

  it('refuses a wrong environment, with every problem', async () => {
    const { exitCode, stderr } = await runCli(['status'], { HOLDFAST_URL: 'localhost', HOLDFAST_TOKE: 'x' });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^CONFIG_INVALID: The environment has 2 problems:\n {2}HOLDFAST_URL=.*\n {2}HOLDFAST_TOKE is not known/,
    );
  });

  it('says when what answers is not Holdfast', async () => {
    for (const status of [200, 404, 502]) {
      const { exitCode, stderr } = await against(
        (_request, response) => response.writeHead(status).end('<html>'),
        'status',
      );
      expect(exitCode).toBe(3);
      expect(stderr).toContain('is not Holdfast');
    }
  });

  it('passes on what the server refuses, also with a code of a newer version', async () => {
    const missing = await against(
      (_, response) => json(response, 404, { code: 'CONTENT_NOT_FOUND', detail: 'Not there.' }),
      'delete',
      'a.json',
    );
    expect(missing).toEqual({ exitCode: 1, stdout: '', stderr: 'CONTENT_NOT_FOUND: Not there.\n' });
    const newer = await against(
      (_, response) => json(response, 400, { code: 'MOON_FULL', detail: 'Wait.' }),
      'delete',
      'a.json',
    );
    expect(newer).toEqual({ exitCode: 2, stdout: '', stderr: 'REQUEST_INVALID: MOON_FULL: Wait.\n' });
    const busy = await against(
      (_, response) => json(response, 503, { code: 'CATALOG_LAGGING', detail: 'Soon.' }),
      'status',
    );
    expect(busy.exitCode).toBe(3);
  });
});

describe('requests', () => {
  it('carry the token, and never show it', async () => {
    let authorization: string | undefined;
    const { url, close } = await serve((request, response) => {
      authorization = request.headers.authorization;
      json(response, 403, { code: 'ORIGIN_NOT_ALLOWED', detail: 'No.' });
    });
    cleanups.push(close);
    const { stdout, stderr } = await runCli(['mode'], { HOLDFAST_URL: url, HOLDFAST_TOKEN: 'sesame' });
    expect(authorization).toBe('Bearer sesame');
    expect(stdout + stderr).not.toContain('sesame');
  });

  it('go below the path of HOLDFAST_URL, with every segment encoded', async () => {
    const asked: string[] = [];
    const { url, close } = await serve((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      json(response, 200, { path: 'x', version: 1, unchanged: false });
    });
    cleanups.push(close);
    await runCli(['delete', 'a b/é.json', '--reason', 'x&y'], { HOLDFAST_URL: `${url}/behind/` });
    expect(asked).toEqual(['DELETE /behind/v1/content/a%20b/%C3%A9.json?reason=x%26y']);
  });
});

describe('output', () => {
  const rows = [
    {
      path: 'מילון/\u001b[31m\u202e.json',
      version: 1,
      action: 'put',
      status: 'dead-letter',
      attempts: 8,
      queuedAt: '2026-11-23T12:00:00.000Z',
      nextRetryAt: null,
      error: { code: 'X', message: 'a\nb' },
    },
  ];
  const counts = { queued: 0, failed: 0, success: 2, 'dead-letter': 1, superseded: 0 };
  const list: RequestListener = (_request, response) =>
    json(response, 200, { replications: rows, counts, next: null });

  it('shows any script and lets no name drive the terminal', async () => {
    const { exitCode, stdout } = await against(list, 'replications');
    expect(exitCode).toBe(1);
    expect(stdout.split('\n')).toEqual([
      'Status       Version  Action  Attempts  Queued                Path',
      'dead-letter        1  put            8  2026-11-23T12:00:00Z  מילון/\\u001b[31m\\u202e.json',
      '    X: a\\u000ab',
      'In the whole log: 2 success, 1 dead-letter.',
      '',
    ]);
  });

  it('is one JSON document with --json, the same to a program', async () => {
    const { stdout } = await against(list, 'replications', '--json');
    for (const character of ['\u001b', '\u202e']) expect(stdout).not.toContain(character);
    expect(JSON.parse(stdout)).toEqual({ replications: rows, counts, complete: true });
  });
});

describe('publish', () => {
  it('says what is kept when the server dies in the middle', async () => {
    const directory = directoryOf(20);
    const listener = onBatch((request, response) => {
      let lines = 0;
      createInterface({ input: request }).on('line', () => {
        lines += 1;
        if (lines <= 3) response.write(published(lines, `${lines}.json`));
        if (lines === 3) setImmediate(() => setImmediate(() => request.socket.destroy()));
      });
    });
    const { exitCode, stderr } = await against(listener, 'publish', directory);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(
      'What was acknowledged is kept (3 published, 0 deleted); run the same command again',
    );
  });

  it('says so too when it waits for room to send', async () => {
    const directory = directoryOf(0);
    for (let index = 0; index < 5; index += 1) {
      writeFileSync(join(directory, `${index}.json`), JSON.stringify('x'.repeat(8_000_000)));
    }
    const listener = onBatch((request, response) => {
      response.write(published(1, '0.json'));
      // Takes the beginning and nothing more, until the buffers in between are full.
      request.once('data', () => {
        request.pause();
        setTimeout(() => request.socket.resetAndDestroy(), 50);
      });
    });
    const { exitCode, stderr } = await against(listener, 'publish', directory);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('What was acknowledged is kept (1 published, 0 deleted)');
  });

  it('takes an answer that ends without its last line for a server that died', async () => {
    const listener = onBatch((request, response) => {
      request.resume().on('end', () => response.end(published(1, '0.json')));
    });
    expect(await against(listener, 'publish', directoryOf(1))).toMatchObject({ exitCode: 3 });
  });

  it('passes on why the server refuses the whole batch', async () => {
    const listener = onBatch((request, response) => {
      request.resume();
      json(response, 507, { code: 'DISK_FULL', detail: 'No room.' });
    });
    const { exitCode, stderr } = await against(listener, 'publish', directoryOf(3));
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'DISK_FULL: No room.\n' });
  });

  it('reads results while it sends: neither side waits for the other', async () => {
    const count = 300;
    // The server reads no further while its answers are not taken, and they are far larger than any buffer.
    const listener = onBatch((request, response) => {
      let line = 0;
      const lines = createInterface({ input: request });
      lines.on('line', () => {
        line += 1;
        if (!response.write(published(line, `${line}.json`, 'x'.repeat(100_000)))) {
          request.pause();
          response.once('drain', () => request.resume());
        }
      });
      lines.on('close', () => response.end(`${JSON.stringify({ done: true, position: '9' })}\n`));
    });
    const { exitCode, stdout } = await against(listener, 'publish', directoryOf(count), '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ published: count, failed: 0, position: '9' });
  });

  it('ends with 130 when a person stops it', async () => {
    const stop = new AbortController();
    const { url, close } = await serve(onBatch((request) => request.once('data', () => stop.abort())));
    cleanups.push(close);
    const ran = await runCli(['publish', directoryOf(3)], { HOLDFAST_URL: url }, stop.signal);
    expect(ran).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('Stopped.') });
  });
});

describe('backup', () => {
  it('leaves nothing when what arrives is not what was sent, and replaces no file unasked', async () => {
    const directory = directoryOf(0);
    const file = join(directory, 'log.db');
    const listener: RequestListener = (_request, response) => {
      response.writeHead(200, { 'repr-digest': 'sha-256=:AAAA:' }).end('half a log');
    };
    expect(await against(listener, 'backup', file)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/^HASH_MISMATCH/),
    });
    writeFileSync(file, 'older');
    expect(await against(listener, 'backup', file)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--force'),
    });
    expect(await against(listener, 'backup', join(directory, 'no/where.db'))).toMatchObject({ exitCode: 2 });
  });
});

describe('alerts', () => {
  const alert = (state: 'open' | 'past') => ({
    code: 'DISK_LOW',
    subject: 'web-1',
    severity: 'critical',
    state,
    message: 'Little is free.',
    details: {},
    raisedAt: '2026-01-05T08:00:00.000Z',
    clearedAt: state === 'open' ? null : '2026-01-05T09:00:00.000Z',
    clearedBecause: state === 'open' ? null : 'There is room again.',
    events: [],
  });

  it('that are open are shown, and exit with 1; none is 0', async () => {
    const asked: (string | undefined)[] = [];
    const open = await against((request, response) => {
      asked.push(request.url);
      json(response, 200, { alerts: [alert('open')], open: 1, next: null });
    }, 'alerts');
    expect([open.exitCode, asked]).toEqual([1, ['/v1/alerts?state=open&limit=100']]);
    expect(open.stdout).toMatch(/DISK_LOW +web-1 +critical +open/);
    expect(open.stdout).toContain('Little is free.');
    const none = await against(
      (_, response) => json(response, 200, { alerts: [], open: 0, next: null }),
      'alerts',
    );
    expect(none).toMatchObject({ exitCode: 0, stdout: 'None.\n' });
  });

  it('of the past are shown with --all, page by page, and exit with 0 where none is open', async () => {
    const { exitCode, stdout } = await against(
      (request, response) => {
        const isFirst = !request.url!.includes('cursor');
        json(response, 200, { alerts: [alert('past')], open: 0, next: isFirst ? 'abc' : null });
      },
      'alerts',
      '--all',
      '--json',
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      alerts: [alert('past'), alert('past')],
      open: 0,
      complete: true,
    });
  });
});
