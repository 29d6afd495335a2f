import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ScriptedServer {
  readonly endpoint: string;
  /** What it answers to every request from now on. */
  answer: ScriptedAnswer | ((request: IncomingMessage) => ScriptedAnswer);
  /** `PUT /bucket/a.json`, and the headers that came with it. */
  readonly requests: { readonly line: string; readonly headers: NodeJS.Dict<string | string[]> }[];
  close(): Promise<void>;
}

/** A server that answers as it is told: for what a real one does only when something is wrong with it. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const requests: ScriptedServer['requests'] = [];
  const server: Server = createServer((request, response) => {
    requests.push({ line: `${request.method} ${request.url}`, headers: request.headers });
    const { answer } = scripted;
    const { status, headers = {}, body = '' } = typeof answer === 'function' ? answer(request) : answer;
    request.resume().once('end', () => response.writeHead(status, headers).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const scripted: ScriptedServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: { status: 200 },
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return scripted;
}

/** An error as S3 writes it. */
export const s3Error = (code: string, more = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>Said by the server</Message>${more}<RequestId>r1</RequestId></Error>`;
