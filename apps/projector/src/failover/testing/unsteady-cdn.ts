import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PROBE_KEY, probeOf } from '../../cdn/probe-object.ts';

export type CdnBehaviour =
  'good' | 'fails' | 'hangs' | 'trickles' | 'wrong bytes' | 'cut short' | 'much too long' | 'object lost';

/** A CDN over a real socket that does what it is told to. */
export interface UnsteadyCdn {
  readonly baseUrl: string;
  /** Of the probes so far, oldest first. */
  readonly urls: readonly string[];
  behave(as: CdnBehaviour): void;
  close(): Promise<void>;
}

export async function startUnsteadyCdn(logId: string): Promise<UnsteadyCdn> {
  let behaviour: CdnBehaviour = 'good';
  const urls: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const url = request.url ?? '';
    urls.push(url);
    if (url.startsWith(`/content/${PROBE_KEY}?`)) answer(response, behaviour, probeOf(logId));
    else response.writeHead(404).end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/content`,
    urls,
    behave: (as) => {
      behaviour = as;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function answer(response: ServerResponse, behaviour: CdnBehaviour, bytes: Buffer): void {
  switch (behaviour) {
    case 'good':
      response.end(bytes);
      return;
    case 'fails':
      response.writeHead(503).end('out of order');
      return;
    case 'hangs':
      return;
    case 'trickles':
      // The head in time, the body never.
      response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 5));
      return;
    case 'wrong bytes':
      response.end('<html>Welcome to the CDN</html>');
      return;
    case 'cut short':
      response.end(bytes.subarray(0, -1));
      return;
    case 'much too long':
      response.write(Buffer.concat([bytes, Buffer.alloc(1024 * 1024)]));
      return;
    case 'object lost':
      response.writeHead(404).end();
      return;
  }
}
