import { HoldfastError, parseContentType } from '@holdfast/domain';
import type { FastifyRequest } from 'fastify';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const NDJSON = /^application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines)$/;
const BATCH_ROUTE = '/v1/batch';
const CSRF_HEADER = 'x-holdfast-csrf';
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Without tokens, whoever can reach the port may command; so a web page somewhere must not be able to make a
 * browser do it. Four rules: the name in `Host` is ours (no DNS rebinding), a command comes from no other
 * page (`Origin`), has a header that no page of another origin can send (where a browser sends it), and has a
 * content type that no HTML form can send.
 * @param knownUrls  base URLs that are configured; their hosts are ours
 * @throws HOST_NOT_ALLOWED, ORIGIN_NOT_ALLOWED, CSRF_HEADER_MISSING, CONTENT_TYPE_UNSUPPORTED
 */
export function checkRequestSafety(request: FastifyRequest, knownUrls: readonly (string | null)[]): void {
  const urls = knownUrls.flatMap((url) => (url === null ? [] : [new URL(url)]));
  checkHost(
    request,
    urls.map(({ host }) => host),
  );
  if (SAFE_METHODS.has(request.method)) return;
  checkOrigin(
    request,
    urls.map(({ origin }) => origin),
  );
  checkCsrfHeader(request);
  checkContentType(request);
}

function checkHost({ headers: { host = '' } }: FastifyRequest, known: readonly string[]): void {
  const given = host.toLowerCase();
  if (LOOPBACK.test(given.replace(/:\d+$/, '')) || known.includes(given)) return;
  throw new HoldfastError(
    'HOST_NOT_ALLOWED',
    `This server does not answer to the name ${JSON.stringify(host.slice(0, 200))}; use localhost, or a host of HOLDFAST_LOCAL_BASE_URL or HOLDFAST_CDN_BASE_URL.`,
    { context: { host: host.slice(0, 200) } },
  );
}

function checkOrigin({ headers: { origin, host } }: FastifyRequest, known: readonly string[]): void {
  if (origin === undefined || origin === `http://${host}` || known.includes(origin)) return;
  throw new HoldfastError(
    'ORIGIN_NOT_ALLOWED',
    `A page of ${JSON.stringify(origin.slice(0, 200))} may not give commands to this server.`,
    { context: { origin: origin.slice(0, 200) } },
  );
}

/** Browsers alone send these; programs need not know of the rule. */
function checkCsrfHeader({ headers }: FastifyRequest): void {
  const isOfBrowser = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
  if (!isOfBrowser || headers[CSRF_HEADER] === '1') return;
  throw new HoldfastError(
    'CSRF_HEADER_MISSING',
    `A command that a browser sends needs the header "${CSRF_HEADER}: 1", which shows that a page of this server asked for it.`,
  );
}

/** @throws CONTENT_TYPE_UNSUPPORTED */
export function checkContentType(request: FastifyRequest): void {
  if (SAFE_METHODS.has(request.method)) return;
  const { headers, method } = request;
  const type = headers['content-type'] ?? '';
  if (request.is404 || (method === 'DELETE' && type === '')) return;
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new HoldfastError(
      'CONTENT_TYPE_UNSUPPORTED',
      `A body with the content encoding ${JSON.stringify(encoding.slice(0, 100))} is not read here; send it as it is.`,
    );
  }
  if (request.routeOptions.url === BATCH_ROUTE) {
    if (NDJSON.test(type.split(';', 1)[0]!.trim().toLowerCase())) return;
    throw new HoldfastError(
      'CONTENT_TYPE_UNSUPPORTED',
      `A batch is newline-delimited JSON; send it as application/x-ndjson, not ${JSON.stringify(type.slice(0, 100))}.`,
    );
  }
  parseContentType(type);
}
