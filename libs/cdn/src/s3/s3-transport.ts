import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';

/** Servers close what is idle after five seconds and more; a request sent on such a socket is lost with an outcome nobody knows. */
const IDLE_SOCKET_MS = 4_000;

/** What the S3 client hands over: signed, everything but the user agent is in it. */
export interface S3Request {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface S3Response {
  readonly statusCode: number;
  readonly reason: string;
  readonly headers: Record<string, string>;
  readonly body: Readable | Uint8Array | undefined;
}

export type ExchangeFailure = 'network' | 'timeout' | 'given up' | 'closed';

/** No whole answer arrived. */
export class ExchangeFailed extends Error {
  readonly failure: ExchangeFailure;
  /** Whether the server may have got the request. */
  readonly wasSent: boolean;

  constructor(failure: ExchangeFailure, wasSent: boolean, cause?: unknown) {
    super(`${failure}${cause instanceof Error ? `: ${cause.message}` : ''}`, { cause });
    this.name = 'ExchangeFailed';
    this.failure = failure;
    this.wasSent = wasSent;
  }
}

/**
 * How the S3 client sends: one exchange has one deadline, from the socket to the last byte of the answer, and
 * what fails says whether the server may have got it. The client's own handler knows neither.
 */
export class S3Transport {
  readonly #timeoutMs: number;
  readonly #agents: { readonly 'http:': http.Agent; readonly 'https:': https.Agent };
  readonly #underWay = new Set<() => void>();
  #isClosed = false;

  /** @param options.maxSockets  how many requests are under way at most; others wait, and their time does not run */
  constructor(options: { timeoutMs: number; maxSockets: number }) {
    const { timeoutMs, maxSockets } = options;
    const agentOptions = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, timeout: IDLE_SOCKET_MS };
    this.#timeoutMs = timeoutMs;
    this.#agents = { 'http:': new http.Agent(agentOptions), 'https:': new https.Agent(agentOptions) };
  }

  /** @throws ExchangeFailed */
  send(request: S3Request, signal?: AbortSignal): Promise<S3Response> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new ExchangeFailed('closed', false));
      if (signal?.aborted === true) return reject(new ExchangeFailed('given up', false, signal.reason));
      const isSecure = request.protocol === 'https:';
      const outgoing = this.#open(request, isSecure);
      let wasSent = false;
      let timer: NodeJS.Timeout | undefined;

      const end = (settle: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        this.#underWay.delete(close);
        settle();
      };
      const fail = (failure: ExchangeFailure, cause?: unknown): void => {
        end(() => reject(new ExchangeFailed(failure, wasSent, cause)));
        outgoing.destroy();
      };
      const failOnNetwork = (error: unknown): void => fail('network', error);
      const giveUp = (): void => fail('given up', signal?.reason);
      const close = (): void => fail('closed');

      signal?.addEventListener('abort', giveUp);
      this.#underWay.add(close);
      outgoing.on('error', failOnNetwork);
      outgoing.once('socket', (socket: Socket) => {
        timer = setTimeout(() => fail('timeout'), this.#timeoutMs);
        const markSent = (): void => {
          wasSent = true;
        };
        if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', markSent);
        else markSent();
      });
      outgoing.once('response', (incoming: IncomingMessage) => {
        const chunks: Buffer[] = [];
        incoming.on('error', failOnNetwork);
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('end', () => end(() => resolve(responseOf(request, incoming, chunks))));
      });
      outgoing.end(request.body);
    });
  }

  /** Ends what is under way; nothing can be sent afterwards. */
  close(): void {
    this.#isClosed = true;
    for (const end of [...this.#underWay]) end();
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  #open(request: S3Request, isSecure: boolean): ClientRequest {
    const { hostname, port, method, path, query = {}, headers } = request;
    return (isSecure ? https : http).request({
      agent: this.#agents[isSecure ? 'https:' : 'http:'],
      // A URL has an IPv6 address in brackets, a socket does not.
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      method,
      path: path + queryText(query),
      headers: { ...headers, 'user-agent': 'holdfast' },
    });
  }
}

/** Encoded as it was signed. */
function queryText(query: NonNullable<S3Request['query']>): string {
  const parts = Object.keys(query)
    .sort()
    .flatMap((name) => [query[name] ?? ''].flat().map((value) => `${encode(name)}=${encode(value)}`));
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** The client takes bytes, but for a body it gives out itself, which is that of a GET. */
function responseOf(request: S3Request, incoming: IncomingMessage, chunks: readonly Buffer[]): S3Response {
  const bytes = Buffer.concat(chunks);
  return {
    statusCode: incoming.statusCode ?? 0,
    reason: incoming.statusMessage ?? '',
    headers: withSingleValues(incoming.headers),
    body: request.method === 'GET' ? Readable.from([bytes], { objectMode: false }) : bytes,
  };
}

const withSingleValues = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]));
