import { type Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** An answer as the server gave it, whole. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, as sent; without those that concern one connection only. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** @throws when the other side ends before the end */
export async function readBody(message: IncomingMessage, bytesPerSecond = Infinity): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) {
    for await (const part of slowly(chunk as Buffer, bytesPerSecond)) chunks.push(part);
  }
  return Buffer.concat(chunks);
}

/** The bytes in order, at no more than this speed. */
export async function* slowly(bytes: Buffer, bytesPerSecond: number): AsyncGenerator<Buffer> {
  const step = Math.min(bytes.length, Math.ceil(bytesPerSecond / 20));
  for (let at = 0; at < bytes.length; at += step) {
    const part = bytes.subarray(at, at + step);
    if (bytesPerSecond !== Infinity) await delay((part.length / bytesPerSecond) * 1000);
    yield part;
  }
}

/**
 * A request to the server with method, target and headers as the client sent them: a signature covers the Host
 * header, which therefore names the proxy.
 */
export function openUpstream(target: URL, agent: Agent, request: IncomingMessage): ClientRequest {
  return httpRequest({
    host: target.hostname,
    port: target.port,
    agent,
    setHost: false,
    method: request.method,
    path: request.url,
    headers: request.rawHeaders,
  });
}

/** Sends the whole request and reads the whole answer. */
export async function forward(upstream: ClientRequest, body: Buffer): Promise<Answer> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    upstream.once('response', resolve);
    upstream.once('error', reject);
    upstream.end(body);
  });
  return {
    status: answer.statusCode ?? 0,
    reason: answer.statusMessage ?? '',
    headers: ofTheAnswerItself(answer.rawHeaders),
    body: await readBody(answer),
  };
}

const ofOneConnection = new Set(['connection', 'keep-alive', 'transfer-encoding']);

function ofTheAnswerItself(raw: readonly string[]): string[] {
  return raw.flatMap((name, at) =>
    at % 2 === 0 && !ofOneConnection.has(name.toLowerCase()) ? [name, raw[at + 1] ?? ''] : [],
  );
}

/** An error as S3 servers write it. */
export function s3Error(status: number, code: string): Answer {
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  return {
    status,
    reason: code,
    headers: ['Content-Type', 'application/xml', 'Content-Length', String(xml.length)],
    body: Buffer.from(xml),
  };
}

/** The first half of an answer, as bytes on the wire: of its body, or of its head where it has no body. */
export function firstHalf({ status, reason, headers, body }: Answer): Buffer {
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1]}`] : []));
  const head = Buffer.from([`HTTP/1.1 ${status} ${reason}`, ...lines, '', ''].join('\r\n'), 'latin1');
  if (body.length === 0) return head.subarray(0, head.length >> 1);
  return Buffer.concat([head, body.subarray(0, body.length >> 1)]);
}
