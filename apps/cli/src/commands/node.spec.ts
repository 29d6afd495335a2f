import { afterEach, expect, it } from '@jest/globals';
import type { RequestListener } from 'node:http';
import { runCli, serve } from '../testing/run-cli.ts';

let close = (): Promise<void> => Promise.resolve();
afterEach(() => close());

async function against(listener: RequestListener, ...args: string[]) {
  const served = await serve(listener);
  close = served.close;
  return runCli(args, { HOLDFAST_URL: served.url });
}

it('retires a node by its name, with a reason', async () => {
  const asked: string[] = [];
  const retire: RequestListener = (request, response) => {
    void request.toArray().then((chunks) => {
      asked.push(`${request.method} ${request.url} ${Buffer.concat(chunks as Buffer[]).toString()}`);
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"node":"web 2","position":"0000000000000009"}');
    });
  };
  const { exitCode, stdout } = await against(retire, 'node', 'retire', 'web 2', '--reason', 'scrapped');
  expect(asked).toEqual(['POST /v1/nodes/web%202/retire {"reason":"scrapped"}']);
  expect([exitCode, stdout]).toEqual([0, 'The node web 2 is retired. Should it report again, it is back.\n']);
});

it('says why a node cannot be retired', async () => {
  const refuse: RequestListener = (_request, response) => {
    response
      .writeHead(409, { 'content-type': 'application/problem+json' })
      .end('{"code":"NODE_REPORTING","detail":"It reported a moment ago."}');
  };
  const { exitCode, stderr } = await against(refuse, 'node', 'retire', 'web-2');
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain('NODE_REPORTING: It reported a moment ago.');
});
