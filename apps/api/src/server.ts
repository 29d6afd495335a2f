import { HoldfastError, newEventId, type NodeUrls, snapshotMode, toHoldfastError } from '@holdfast/domain';
import { localBaseUrlOf } from '@holdfast/settings';
import Fastify, { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Socket } from 'node:net';
import { z } from 'zod';
import { checkAccess } from './access/check-access.ts';
import type { Tokens } from './access/tokens.ts';
import { neededFor } from './access/route-roles.ts';
import type { Api, ApiPorts, ApiServer, ApiSettings } from './api.ts';
import { serveConsole } from './console/serve-console.ts';
import { createMetrics } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { routeNotFound, toProblem, toRawAnswer } from './problems.ts';
import { parseCommandBody } from './request-body.ts';
import { checkContentType, checkRequestSafety } from './request-safety.ts';
import { activity } from './routes/activity.ts';
import { audit } from './routes/audit.ts';
import { backup } from './routes/backup.ts';
import { batch } from './routes/batch.ts';
import { changeMode } from './routes/change-mode.ts';
import { deleteContent } from './routes/delete-content.ts';
import { describeContent } from './routes/describe-content.ts';
import { drift, readScan, requestScan } from './routes/drift.ts';
import { health } from './routes/health.ts';
import { listJobs, readJob } from './routes/jobs.ts';
import { listAlerts } from './routes/list-alerts.ts';
import { listContent } from './routes/list-content.ts';
import { listReplications } from './routes/list-replications.ts';
import { live } from './routes/live.ts';
import { listVersions } from './routes/list-versions.ts';
import { healthz, metrics, readyz } from './routes/probes.ts';
import { retireNode } from './routes/retire-node.ts';
import { publishContent } from './routes/publish-content.ts';
import { listQuarantine, restoreQuarantined } from './routes/quarantine.ts';
import { readMode } from './routes/read-mode.ts';
import { replay } from './routes/replay.ts';
import { resolveUrl, resolveUrls } from './routes/resolve-url.ts';
import { retryReplications } from './routes/retry-replications.ts';
import { listTree, summariseTree } from './routes/tree.ts';
import { listFindings, summariseScan } from './routes/scan-findings.ts';
import { session } from './routes/session.ts';
import { serveContent } from './routes/serve-content.ts';

const ROUTES = [
  publishContent,
  deleteContent,
  describeContent,
  listContent,
  listTree,
  summariseTree,
  listVersions,
  batch,
  resolveUrl,
  resolveUrls,
  readMode,
  changeMode,
  listReplications,
  retryReplications,
  audit,
  drift,
  requestScan,
  listFindings,
  summariseScan,
  readScan,
  listQuarantine,
  restoreQuarantined,
  listAlerts,
  live,
  activity,
  health,
  retireNode,
  replay,
  readJob,
  listJobs,
  backup,
  session,
  serveContent,
  healthz,
  readyz,
  metrics,
];

/** No guessing of types, no frame around what is answered, no addresses told to others. */
const SAFE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

const MAX_COMMAND_BYTES = 1024 * 1024;

/** The whole HTTP side as one Fastify server, not yet listening. */
export function buildServer(ports: ApiPorts, settings: ApiSettings): ApiServer {
  const app: ApiServer = Fastify({
    loggerInstance: ports.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newEventId(),
    bodyLimit: MAX_COMMAND_BYTES,
    // Idle connections end at once when the server closes; answers under way are finished.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: 8_192 },
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => {
      if (socket.writable && error.code !== 'ECONNRESET') socket.write(toRawAnswer(error));
      socket.destroy(error);
    },
    frameworkErrors: (error, request, reply: FastifyReply) => {
      const { status, headers, body } = toProblem(error, request.id);
      void reply
        .code(status)
        .headers(headers)
        .send(Buffer.from(JSON.stringify(body)));
    },
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  const api = makeApi(app, ports, settings);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^application\/(?:json|[a-z0-9.-]+\+json)/,
    { parseAs: 'buffer' },
    (request, body, done) => {
      try {
        done(null, parseCommandBody(request.method, body as Buffer));
      } catch (error) {
        done(error as Error, undefined);
      }
    },
  );
  guardRequests(app, api);
  answerFailures(app, api);
  describeApi(app);
  serveConsole(app, settings.consoleDirectory);
  void app.register((scope, _options, done) => {
    for (const route of ROUTES) route(scope, api);
    done();
  });
  return app;
}

function makeApi(app: ApiServer, ports: ApiPorts, settings: ApiSettings): Api {
  const { catalog } = ports;
  let hasCaughtUp = false;
  let isLooking = false;
  // At the start, and after a failure whenever somebody asks.
  const lookForCatalog = (): void => {
    if (isLooking) return;
    isLooking = true;
    catalog
      .caughtUp()
      .then(
        () => {
          hasCaughtUp = true;
        },
        (error: unknown) => {
          ports.logger.warn({ err: error }, 'The catalog has not come up yet.');
        },
      )
      .finally(() => {
        isLooking = false;
      });
  };
  lookForCatalog();
  const requireCatalog = (): void => {
    if (hasCaughtUp) return;
    lookForCatalog();
    throw new HoldfastError(
      'CATALOG_LAGGING',
      'The catalog is still being read from the log after the start; ask again in a moment.',
      { context: { checkpoint: catalog.checkpoint } },
    );
  };
  return {
    ...ports,
    settings,
    metrics: createMetrics({ ...ports, settings, requireCatalog }),
    urls: () => urlsOf(app, settings),
    requireCatalog,
    requireWritable: () => {
      if (ports.mismatch !== null) throw ports.mismatch;
      requireCatalog();
    },
  };
}

function urlsOf(app: ApiServer, { cdnBaseUrl, localBaseUrl, urlVersion }: ApiSettings): NodeUrls {
  const address = app.server.address();
  const own =
    address === null || typeof address === 'string'
      ? localBaseUrlOf('127.0.0.1', 0)
      : localBaseUrlOf(address.address, address.port);
  return { cdnBaseUrl, localBaseUrl: localBaseUrl ?? own, urlVersion };
}

/** What holds for every request: rules of safety, one view of the mode, no parameter that nobody reads. */
function guardRequests(app: ApiServer, api: Api): void {
  const noQuery = z.strictObject({});
  app.addHook('onRoute', (route) => {
    const methods = [route.method].flat();
    // Refuses a route that nobody gave a role.
    const [needed] = methods.map((method) => neededFor(method, route.url));
    if (needed !== 'public' && route.schema?.hide !== true) {
      route.schema = {
        ...route.schema,
        security: [{ token: [] }],
        description: [route.schema?.description, `Needs the role ${needed} where there are tokens.`]
          .filter(Boolean)
          .join(' '),
      };
    }
    if (route.url.startsWith('/v1/')) route.schema = { querystring: noQuery, ...route.schema };
  });
  app.decorateRequest('mode');
  app.decorateRequest('access', null);
  app.addHook('onRequest', (request, reply, done) => {
    request.mode = snapshotMode(api.modeWatch.mode, api.urls());
    void reply.headers({ 'x-request-id': request.id, ...SAFE_HEADERS });
    if (request.url.startsWith('/v1/')) void reply.header('cache-control', 'no-store');
    const { cdnBaseUrl, localBaseUrl } = request.mode;
    const names = [cdnBaseUrl, localBaseUrl, api.settings.cdnBaseUrl, api.settings.localBaseUrl];
    // A browser sends no token by itself, so another page cannot make it command where tokens are asked for.
    if (api.tokens === null) checkRequestSafety(request, names);
    else authorise(request, api.tokens, api);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: String(reply.statusCode),
    };
    api.metrics.requests.observe(labels, reply.elapsedTime / 1000);
    done();
  });
}

function authorise(request: FastifyRequest, tokens: Tokens, { logger }: Api): void {
  if (request.is404) return;
  const needed = neededFor(request.method, request.routeOptions.url ?? '');
  if (needed === 'public') return;
  try {
    request.access = checkAccess(request, needed, tokens);
  } catch (error) {
    const { code, message } = toHoldfastError(error);
    const about = { requestId: request.id, method: request.method, route: request.routeOptions.url };
    logger.warn({ ...about, code, from: request.ip }, `A request was refused: ${message}`);
    throw error;
  }
  checkContentType(request);
}

function answerFailures(app: ApiServer, { logger }: Api): void {
  app.setNotFoundHandler((request) => {
    throw routeNotFound(request.method, request.url);
  });
  app.setErrorHandler((thrown, request, reply) => {
    const { status, headers, body, error } = toProblem(thrown, request.id);
    if (status >= 500) {
      const about = { requestId: request.id, method: request.method, url: request.url, code: error.code };
      logger.error({ ...about, err: error }, `${request.method} failed: ${error.message}`);
    }
    return reply
      .code(status)
      .headers(headers)
      .send(Buffer.from(JSON.stringify(body)));
  });
}
