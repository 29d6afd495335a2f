import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { type Outcome, OUTCOMES, type Side, SIDES } from '../features/drift/findings.ts';
import { OverviewPage } from '../features/overview/overview-page.tsx';
import { PageError, PageNotFound } from './page-error.tsx';
import { Shell } from './shell.tsx';

const root = createRootRoute({ component: Shell });
const under = <Path extends string>(path: Path) => ({ getParentRoute: () => root, path }) as const;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const wholeNumber = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const DOCUMENT_VIEWS = ['json', 'versions', 'compare', 'life'] as const;
interface DocumentSearch {
  view?: (typeof DOCUMENT_VIEWS)[number];
  version?: number;
  from?: number;
  to?: number;
}
const ALERT_STATES = ['open', 'past', 'all'] as const;

const overview = createRoute({ ...under('/'), component: OverviewPage });

const mode = createRoute({
  ...under('/mode'),
  component: lazyRouteComponent(() => import('../features/mode/mode-page.tsx'), 'ModePage'),
});

const documents = createRoute({
  // With its slash it goes before the documents' own pages, whose paths may be empty to the router.
  ...under('/documents/'),
  validateSearch: (search): { prefix?: string; deleted?: boolean } => ({
    prefix: text(search['prefix']),
    deleted: search['deleted'] === true ? true : undefined,
  }),
  component: lazyRouteComponent(() => import('../features/content/content-page.tsx'), 'ContentPage'),
});

const document = createRoute({
  ...under('/documents/$'),
  validateSearch: (search): DocumentSearch => ({
    view: DOCUMENT_VIEWS.find((view) => view === search['view']),
    version: wholeNumber(search['version']),
    from: wholeNumber(search['from']),
    to: wholeNumber(search['to']),
  }),
  component: lazyRouteComponent(() => import('../features/content/document-page.tsx'), 'DocumentPage'),
});

const replications = createRoute({
  ...under('/replications'),
  validateSearch: (search): { status?: string; prefix?: string; since?: string } => ({
    status: text(search['status']),
    prefix: text(search['prefix']),
    since: text(search['since']),
  }),
  component: lazyRouteComponent(
    () => import('../features/replications/replications-page.tsx'),
    'ReplicationsPage',
  ),
});

const drift = createRoute({
  ...under('/drift'),
  validateSearch: (search): { scan?: string; side?: Side; outcome?: Outcome; prefix?: string } => ({
    scan: text(search['scan']),
    side: SIDES.find((side) => side === search['side']),
    outcome: OUTCOMES.find((outcome) => outcome === search['outcome']),
    prefix: text(search['prefix']),
  }),
  component: lazyRouteComponent(() => import('../features/drift/drift-page.tsx'), 'DriftPage'),
});

const alerts = createRoute({
  ...under('/alerts'),
  validateSearch: (search) => ({ state: ALERT_STATES.find((state) => state === search['state']) }),
  component: lazyRouteComponent(() => import('../features/alerts/alerts-page.tsx'), 'AlertsPage'),
});

/** apps/api/src/console/serve-console.ts has the same pages: another path is not answered with the console. */
export const router = createRouter({
  routeTree: root.addChildren([overview, mode, documents, document, replications, drift, alerts]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: PageNotFound,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
