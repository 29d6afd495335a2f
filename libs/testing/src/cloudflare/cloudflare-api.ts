import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { answerPurge, type CloudflareZone } from './purge-answer.ts';
import { type CloudflareFault, FAULTS } from './faults.ts';
import { type FileRate, TokenBucket } from './token-bucket.ts';

export interface CloudflareApi extends CloudflareZone {
  /** What the adapter gets: ends in `/client/v4`. */
  readonly url: string;
  /** Each call whose request was read: how many files it named (0 where it was no purge), and its status (0: none). */
  readonly calls: { files: number; status: number }[];
  /** How many connections were made. */
  readonly connections: number;
  /** Cache keys in the order they were purged: the URL, or `<origin>::<url>`. */
  readonly purged: string[];
  /** These may be changed at any time. */
  token: string;
  mayPurge: boolean;
  maxFiles: number;
  hosts: readonly string[];
  /** @param times  how many calls it befalls from now on; default all until `heal` */
  fail(fault: CloudflareFault, times?: number): void;
  heal(): void;
  /** Nobody listens any more. */
  goAway(): Promise<void>;
  /** At the same address. */
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

const REFUSED_BY_RATE = {
  success: false,
  errors: [{ code: 971, message: 'Please wait and consider throttling your request speed' }],
  messages: [],
  result: null,
};

/**
 * A server on loopback that answers purges by URL as Cloudflare's public documents say, and fails on demand.
 * @param options.rate  absent: no limit
 * @param options.now   milliseconds; what the rate limit goes by
 * @see https://developers.cloudflare.com/api/resources/cache/methods/purge/
 * @see https://developers.cloudflare.com/fundamentals/api/reference/limits/
 */
export async function startCloudflareApi(
  options: Pick<CloudflareZone, 'zone' | 'token' | 'hosts'> & { rate?: FileRate; now?: () => number },
): Promise<CloudflareApi> {
  const now = options.now ?? Date.now;
  const bucket = options.rate === undefined ? null : new TokenBucket(options.rate, now);
  let fault: { is: CloudflareFault; left: number } | null = null;
  let connections = 0;
  const takeFault = (): CloudflareFault | null => {
    if (fault === null || fault.left === 0) return null;
    fault.left -= 1;
    return fault.is;
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const befalls = takeFault();
    if (befalls === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    const body = await text(request);
    const call = { files: countFiles(body), status: 0 };
    api.calls.push(call);
    response.once('finish', () => {
      call.status = response.statusCode;
    });
    if (befalls !== null && befalls !== 'answer-lost') {
      FAULTS[befalls](request, response, now());
      return;
    }
    const { method = '', url: path = '' } = request;
    const { authorization } = request.headers;
    const { status, body: answer, purges } = answerPurge({ method, path, authorization, body }, api);
    const waitMs = bucket?.take(purges.length) ?? 0;
    if (waitMs > 0) {
      send(response.setHeader('retry-after', Math.ceil(waitMs / 1_000)), 429, REFUSED_BY_RATE);
      return;
    }
    api.purged.push(...purges);
    if (befalls === 'answer-lost') request.socket.resetAndDestroy();
    else send(response, status, answer);
  }

  const server = createServer((request, response) => {
    // A client that goes away in mid-request is no concern of the server's.
    handle(request, response).catch(() => response.destroy());
  });
  server.on('connection', () => {
    connections += 1;
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  const goAway = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  const { zone, token, hosts } = options;
  const api: CloudflareApi = {
    url: `http://127.0.0.1:${port}/client/v4`,
    zone,
    token,
    hosts,
    maxFiles: 100,
    mayPurge: true,
    calls: [],
    purged: [],
    get connections() {
      return connections;
    },
    fail: (is, times = Number.POSITIVE_INFINITY) => {
      fault = { is, left: times };
    },
    heal: () => {
      fault = null;
    },
    goAway,
    comeBack: () => listen(server, port),
    close: goAway,
  };
  return api;
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject);
      resolve();
    });
  });

function send(response: ServerResponse, status: number, body: unknown): void {
  const headers = { 'content-type': 'application/json', 'cf-ray': '84f3d9c0aa11bb22-TST' };
  response.writeHead(status, headers).end(JSON.stringify(body));
}

function countFiles(body: string): number {
  try {
    const { files } = JSON.parse(body) as { files?: unknown };
    return Array.isArray(files) ? files.length : 0;
  } catch {
    return 0;
  }
}
