import type { Role } from '@holdfast/settings';
import { CONSOLE_ROUTES } from '../console/serve-console.ts';

/** Readers' documents, probes and descriptions: for anybody who reaches the port. */
export type Needed = Role | 'public';

/** What each route needs where there are tokens. A route that is not here cannot be registered. */
const NEEDED: Readonly<Record<string, Needed>> = {
  'GET /openapi.json': 'public',
  'GET /content/*': 'public',
  'OPTIONS /content/*': 'public',
  'GET /healthz': 'public',
  'GET /readyz': 'public',

  'GET /metrics': 'viewer',
  'GET /v1/session': 'viewer',
  'GET /v1/content': 'viewer',
  'GET /v1/content/*': 'viewer',
  'GET /v1/tree': 'viewer',
  'GET /v1/tree/summary': 'viewer',
  'GET /v1/versions/*': 'viewer',
  'GET /v1/url/*': 'viewer',
  'POST /v1/urls': 'viewer',
  'GET /v1/mode': 'viewer',
  'GET /v1/replications': 'viewer',
  'GET /v1/audit': 'viewer',
  'GET /v1/drift': 'viewer',
  'GET /v1/drift/scans/:id': 'viewer',
  'GET /v1/drift/scans/:id/findings': 'viewer',
  'GET /v1/drift/scans/:id/summary': 'viewer',
  'GET /v1/quarantine': 'viewer',
  'GET /v1/alerts': 'viewer',
  'GET /v1/live': 'viewer',
  'GET /v1/activity': 'viewer',
  'GET /v1/health': 'viewer',
  'GET /v1/jobs': 'viewer',
  'GET /v1/jobs/:id': 'viewer',

  'PUT /v1/content/*': 'publisher',
  // Directories too: who may delete each document may delete them together.
  'DELETE /v1/content/*': 'publisher',
  'POST /v1/batch': 'publisher',

  'PUT /v1/mode': 'operator',
  'POST /v1/replications/retry': 'operator',
  'POST /v1/drift/scans': 'operator',
  'POST /v1/quarantine/restore': 'operator',
  'POST /v1/nodes/:node/retire': 'operator',
  'POST /v1/replays': 'operator',
  // The whole log, with every document that was ever deleted.
  'GET /v1/backup': 'operator',
};

/** @throws Error for a route without a declaration: a mistake in the program, found at every start */
export function neededFor(method: string, url: string): Needed {
  // The console is a program; what it shows it asks the API for.
  const isPage = url === '/docs' || url.startsWith('/docs/') || CONSOLE_ROUTES.includes(url);
  if (isPage) return 'public';
  const key = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  const needed = NEEDED[key];
  if (needed === undefined) throw new Error(`The route ${key} has no role; route-roles.ts has to name one.`);
  return needed;
}

/** `METHOD url`; as no other can be registered, these are all. */
export const DECLARED_ROUTES: readonly string[] = Object.keys(NEEDED);
