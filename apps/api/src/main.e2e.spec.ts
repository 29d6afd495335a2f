import { eventStoreEnvironment } from '@holdfast/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

let dataDir: string;
const started: ChildProcess[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-api-'));
});
afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

/** The API as its supervisor starts it. */
function start(env: Record<string, string> = {}) {
  const child = fork(MAIN, [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      HOLDFAST_DATA_DIR: dataDir,
      HOLDFAST_PORT: '0',
      ...eventStoreEnvironment(dataDir),
      ...env,
    },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  started.push(child);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout?.resume();
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }));
  const ready = once(child, 'message').then(([message]) => message as { type: string; url: string });
  return { child, ready, ended };
}

describe('the API process', () => {
  it('says where it serves, and ends with 0 on SIGTERM although a connection is kept open', async () => {
    const { child, ready, ended } = start();
    const { type, url } = await ready;
    expect(type).toBe('ready');
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
    const busy = connect(Number(new URL(url).port), '127.0.0.1');
    busy.on('error', () => undefined);
    busy.write(
      'POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const askedAt = performance.now();
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 0, stderr: '' });
    expect(performance.now() - askedAt).toBeLessThan(5_000);
    socket.destroy();
    busy.destroy();
  });

  it('ends when its supervisor is gone', async () => {
    const { child, ready } = start();
    await ready;
    // No 'close' follows where the channel was closed from this side.
    const exited = once(child, 'exit');
    child.disconnect();
    expect(await exited).toEqual([0, null]);
  });

  it('ends with 2 and one line for each kind of start that cannot work', async () => {
    const first = start();
    const { url } = await first.ready;
    expect(
      await start({ HOLDFAST_PORT: 'x', HOLDFAST_HOST: '0.0.0.0', HOLDFAST_DATADIR: 'y' }).ended,
    ).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^CONFIG_INVALID: [^]*HOLDFAST_PORT[^]*HOLDFAST_HOST[^]*HOLDFAST_DATADIR/,
      ),
    });
    expect(await start().ended).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^DATA_DIR_IN_USE: /),
    });
    const taken = start({ HOLDFAST_PORT: new URL(url).port, HOLDFAST_DATA_DIR: join(dataDir, 'other') });
    expect(await taken.ended).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^PORT_IN_USE: .*\n$/),
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('keeps what it acknowledged before kill -9', async () => {
    const first = start();
    const { url } = await first.ready;
    const acknowledged: string[] = [];
    const publishing = (async () => {
      for (let index = 0; ; index += 1) {
        const path = `d/${index}.json`;
        const answer = await fetch(`${url}/v1/content/${path}`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: String(index),
        });
        if (answer.status === 201) acknowledged.push(path);
        if (acknowledged.length === 20) first.child.kill('SIGKILL');
      }
    })();
    await expect(publishing).rejects.toThrow();
    await first.ended;
    const { url: again } = await start().ready;
    expect(acknowledged.length).toBeGreaterThanOrEqual(20);
    for (const path of acknowledged) expect((await fetch(`${again}/content/${path}`)).status).toBe(200);
  });
});
