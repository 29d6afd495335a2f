import { once } from 'node:events';
import { Agent, createServer, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from './messages.ts';

export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that answers every whole request with 200 and `stored <body>`, and remembers it. */
export interface Origin {
  readonly endpoint: string;
  readonly received: readonly ReceivedRequest[];
  /** How many requests it saw the beginning of. */
  begun(): number;
  close(): void;
}

export async function startOrigin(): Promise<Origin> {
  const received: ReceivedRequest[] = [];
  let begun = 0;
  const server = createServer((request, response) => {
    begun += 1;
    void readBody(request).then(
      (body) => {
        const { method = '', url = '', headers } = request;
        received.push({ method, url, headers, body: body.toString() });
        const text = `stored ${body.toString()}`;
        response.writeHead(200, { ETag: '"e"', 'Content-Length': text.length }).end(text);
      },
      () => undefined,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    begun: () => begun,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A client with one connection that it keeps. */
export function startClient(endpoint: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    /**
     * @param body  with its length in a header; parts: chunked
     * @returns the whole answer, or the code of the error
     */
    send: async (
      method: string,
      path: string,
      body: string | readonly string[] = '',
      signal?: AbortSignal,
    ): Promise<{ status: number; headers: IncomingHttpHeaders; body: string } | string> => {
      const headers =
        typeof body === 'string' ? { 'content-length': body.length } : { 'transfer-encoding': 'chunked' };
      const options = { agent, method, headers: { ...headers, 'x-case': 'Kept' } };
      const request = httpRequest(`${endpoint}${path}`, signal ? { ...options, signal } : options);
      try {
        for (const part of typeof body === 'string' ? [body] : body) request.write(part);
        request.end();
        const [answer] = (await once(request, 'response')) as [Parameters<typeof readBody>[0]];
        const text = (await readBody(answer)).toString();
        return { status: answer.statusCode ?? 0, headers: answer.headers, body: text };
      } catch (error) {
        return String((error as NodeJS.ErrnoException).code);
      }
    },
    close: () => agent.destroy(),
  };
}
