import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { serverPort } from '../s3/server-port.ts';
import type { Fault, FaultSource, SeenRequest } from './faults.ts';
import { type Answer, firstHalf, forward, openUpstream, readBody, s3Error, slowly } from './messages.ts';

/** What became of one request. */
export interface ProxiedRequest extends SeenRequest {
  readonly fault: Fault['kind'] | null;
  /** The server got all of it, or may have. */
  readonly reachedServer: boolean;
  /** The server's, or that of a fault that answers itself; null: none so far. */
  readonly status: number | null;
  /** The client was sent all of the answer. */
  readonly isAnswered: boolean;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A server in front of another, over real sockets, that spoils requests on demand and remembers all of them. */
export interface FaultProxy {
  /** What a client uses instead of the server's. */
  readonly endpoint: string;
  /** In the order of their arrival. */
  readonly requests: readonly ProxiedRequest[];
  /** From the next request on; null lets everything pass. */
  inject(faults: FaultSource | null): void;
  /** How many requests there were per method, and per method and fault: `{ 'PUT': 12, 'PUT slow-down': 2 }`. */
  counts(): Record<string, number>;
  /** Sends what was `held` to the server, in order. @returns how many */
  deliverHeld(): Promise<number>;
  /** Resets every connection and refuses new ones. */
  goDown(): Promise<void>;
  comeUp(): Promise<void>;
  close(): Promise<void>;
}

/** @param target  an `http:` endpoint whose server takes requests for any Host, as Ceph and MinIO do */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const proxy = new HttpFaultProxy(new URL(target), await serverPort());
  await proxy.comeUp();
  return proxy;
}

class HttpFaultProxy implements FaultProxy {
  readonly requests: Mutable<ProxiedRequest>[] = [];
  readonly endpoint: string;
  readonly #target: URL;
  readonly #port: number;
  // Idle connections go long before a server closes them: a reset of its own would be a fault nobody injected.
  readonly #agent = new Agent({ keepAlive: true, timeout: 5_000 });
  readonly #sockets = new Set<Socket>();
  readonly #seen = new Map<string, number>();
  #held: (() => Promise<void>)[] = [];
  #faults: FaultSource | null = null;
  #server: Server | null = null;

  constructor(target: URL, port: number) {
    this.#target = target;
    this.#port = port;
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  inject(faults: FaultSource | null): void {
    this.#faults = faults;
  }

  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    const add = (name: string) => (counts[name] = (counts[name] ?? 0) + 1);
    for (const { method, fault } of this.requests) {
      add(method);
      if (fault !== null) add(`${method} ${fault}`);
    }
    return counts;
  }

  async deliverHeld(): Promise<number> {
    const held = this.#held;
    this.#held = [];
    for (const deliver of held) await deliver();
    return held.length;
  }

  async comeUp(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('clientError', (_error, socket) => socket.destroy());
    server.on('request', (request, response) => {
      // The server or the client has gone: the other one sees the same through a proxy.
      this.#pass(request, response).catch(() => resetClient(request));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
  }

  async goDown(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  async close(): Promise<void> {
    await this.goDown();
    this.#agent.destroy();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [seen, fault] = this.#decide(request);
    const entry = {
      ...seen,
      fault: fault?.kind ?? null,
      reachedServer: false,
      status: null,
      isAnswered: false,
    };
    this.requests.push(entry);
    const kind = fault?.kind;
    if (kind === 'reset-in-request') return this.#passHalf(request);

    const bytesPerSecond = fault?.kind === 'throttled' ? fault.bytesPerSecond : Infinity;
    const body = await readBody(request, bytesPerSecond);
    if (kind === 'black-hole') return;
    if (kind === 'reset-before-answer') return resetClient(request);
    if (kind === 'internal-error') return answerClient(entry, response, s3Error(500, 'InternalError'));
    if (kind === 'slow-down') return answerClient(entry, response, s3Error(503, 'SlowDown'));
    if (kind === 'held') {
      this.#held.push(async () => answerClient(entry, response, await this.#forward(entry, request, body)));
      return;
    }
    if (fault?.kind === 'latency') await delay(fault.ms);

    const answer = await this.#forward(entry, request, body);
    if (kind === 'lost-answer') return resetClient(request);
    if (kind === 'truncated-answer') return void request.socket.end(firstHalf(answer));
    return answerClient(entry, response, answer, bytesPerSecond);
  }

  #decide(request: IncomingMessage): [SeenRequest, Fault | null] {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const method = request.method ?? '';
    const nth = this.#seen.get(`${method} ${path}`) ?? 0;
    this.#seen.set(`${method} ${path}`, nth + 1);
    const seen = { method, path: decodeURIComponent(path), query, nth };
    return [seen, this.#faults?.(seen) ?? null];
  }

  async #forward(entry: Mutable<ProxiedRequest>, request: IncomingMessage, body: Buffer): Promise<Answer> {
    entry.reachedServer = true;
    try {
      const answer = await forward(openUpstream(this.#target, this.#agent, request), body);
      entry.status = answer.status;
      return answer;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') entry.reachedServer = false;
      throw error;
    }
  }

  async #passHalf(request: IncomingMessage): Promise<void> {
    const upstream = openUpstream(this.#target, this.#agent, request);
    upstream.on('error', () => undefined);
    const length = request.headers['content-length'];
    let left = length === undefined ? null : Number(length) >> 1;
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      left ??= chunk.length >> 1;
      const part = chunk.subarray(0, left);
      left -= part.length;
      await new Promise((resolve) => upstream.write(part, resolve));
      if (left === 0) break;
    }
    upstream.socket?.resetAndDestroy();
    upstream.destroy();
    resetClient(request);
  }
}

function resetClient(request: IncomingMessage): void {
  request.socket.resetAndDestroy();
}

async function answerClient(
  entry: Mutable<ProxiedRequest>,
  response: ServerResponse,
  answer: Answer,
  bytesPerSecond = Infinity,
): Promise<void> {
  entry.status = answer.status;
  if (response.destroyed) return;
  response.sendDate = false;
  response.writeHead(answer.status, answer.reason, [...answer.headers]);
  const sent = finished(response);
  sent.catch(() => undefined);
  for await (const part of slowly(answer.body, bytesPerSecond)) response.write(part);
  response.end();
  await sent;
  entry.isAnswered = true;
}
