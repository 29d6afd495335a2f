import fastifyStatic from '@fastify/static';
import { readFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ApiServer } from '../api.ts';
import { noConsole } from './no-console.ts';

/** As `nx build console` and `npm start` make it; beside this program where that was built too. */
export const CONSOLE_DIRECTORY = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, '../../../../dist/console')
  : join(import.meta.dirname, '../console');

/** The pages of the console; its own router shows them. Any other path stays the API's, and may be not found. */
const PAGES = ['/', '/mode', '/documents', '/documents/*', '/replications', '/drift', '/drift/*', '/alerts'];

/** As they are registered. */
export const CONSOLE_ROUTES: readonly string[] = [...PAGES, '/assets/*'];

/** What the build writes where a response's nonce belongs. */
const NONCE = /__CSP_NONCE__/g;

/**
 * The operators' web page: static files whose names change with what they hold, and one page that names them. The
 * directory is looked at by each request, so that a console that is built later, or anew, needs no restart.
 */
export function serveConsole(app: ApiServer, directory: string): void {
  void app.register(fastifyStatic, {
    root: join(directory, 'assets'),
    prefix: '/assets/',
    decorateReply: false,
    preCompressed: true,
    immutable: true,
    maxAge: '365d',
    // It says at the start that there is no such directory, which does not matter yet.
    logLevel: 'error',
  });
  for (const url of PAGES) {
    app.get(url, { schema: { hide: true } }, async (_request, reply) => {
      const nonce = randomBytes(16).toString('base64');
      void reply.headers(pageHeaders(nonce)).type('text/html; charset=utf-8');
      try {
        const page = await readFile(join(directory, 'index.html'), 'utf8');
        return page.replaceAll(NONCE, nonce);
      } catch (error) {
        return reply.code(503).send(await noConsole(directory, error));
      }
    });
  }
}

/** Nothing from elsewhere, no script or style but those of this response, and no frame around it. */
const pageHeaders = (nonce: string): Record<string, string> => ({
  'cache-control': 'no-cache',
  'content-security-policy': [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
});
