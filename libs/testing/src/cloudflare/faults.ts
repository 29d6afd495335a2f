import type { IncomingMessage, ServerResponse } from 'node:http';

type Befall = (request: IncomingMessage, response: ServerResponse, now: number) => void;

const PAGE =
  '<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>\n';
const JSON_TYPE = { 'content-type': 'application/json' };
const failed = (message: string): string =>
  JSON.stringify({ success: false, errors: [{ code: 1052, message }], messages: [], result: null });

/** What can befall a call whose request was read; nothing is purged. */
export const FAULTS = {
  'error-500': (_, response) => {
    response.writeHead(500, JSON_TYPE).end(failed('An error has occurred and it has been logged.'));
  },
  /** A web page where an answer of the API should be, as a gateway or a captive portal sends it. */
  'page-502': (_, response) => {
    response.writeHead(502, { 'content-type': 'text/html', 'retry-after': '7' }).end(PAGE);
  },
  'page-200': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
  },
  /** For another minute and a half. */
  'page-503-until': (_, response, now) => {
    response.writeHead(503, { 'retry-after': new Date(now + 90_000).toUTCString() }).end(PAGE);
  },
  redirect: (request, response) => {
    response.writeHead(302, { location: `http://${request.headers.host}/elsewhere` }).end();
  },
  /** No answer at all. */
  'black-hole': () => undefined,
  /** Headers and the beginning of the body, and then nothing more. */
  stalled: (_, response) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': 10_000 }).write('{"success":');
  },
  /** The same, and then a reset. */
  truncated: (request, response) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': 10_000 });
    response.write('{"success":', () => request.socket.resetAndDestroy());
  },
  endless: (_, response) => {
    const chunk = ' '.repeat(65_536);
    const more = (): void => {
      while (response.writable && response.write(chunk));
    };
    response.writeHead(200, JSON_TYPE).on('drain', more);
    more();
  },
  /** Answers with what it was sent. */
  echo: (request, response) => {
    response.writeHead(500, JSON_TYPE).end(failed(`not understood: ${request.headers.authorization}`));
  },
} as const satisfies Readonly<Record<string, Befall>>;

/** Also a connection that is reset before the request is read, and an answer that is lost after the purge. */
export type CloudflareFault = keyof typeof FAULTS | 'reset' | 'answer-lost';
