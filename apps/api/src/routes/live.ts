import { toHoldfastError } from '@holdfast/domain';
import { PassThrough } from 'node:stream';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { tellLive } from '../live/live-connection.ts';
import { viewMode } from '../mode-view.ts';
import { findOpenAlerts } from '../open-alerts.ts';
import { problemResponse } from '../problems.ts';
import { findCondition } from '../readiness.ts';

const EVENT_STREAM = 'text/event-stream';
/** Every client asks each second; the answer is the same. */
const STATE_IS_FRESH_MS = 500;

const querySchema = z.strictObject({
  after: z
    .string()
    .max(100)
    .optional()
    .meta({ description: 'Position to go on after; the header `Last-Event-ID` says the same' }),
});

export function live(app: ApiServer, api: Api): void {
  const stop = new AbortController();
  const readState = shareFor(STATE_IS_FRESH_MS, () => readLiveState(api));
  // A connection that never ends by itself would keep the server from closing.
  app.addHook('preClose', (done) => {
    stop.abort();
    done();
  });
  app.get(
    '/v1/live',
    {
      schema: {
        tags: ['operation'],
        summary: 'What changes, as it changes (server-sent events)',
        description: [
          'On connecting, and whenever one changes: `mode`, `alerts` (the open ones), `health`.',
          'From the log, with its position as `id`: `activity` (publishes and replications of up to a second, counted), `mode-changed`, `alert`, `job`, `scan`.',
          'A client that comes back with `Last-Event-ID` is told what it missed; `reset` says that its position is not of this log.',
        ].join(' '),
        querystring: querySchema,
        response: {
          200: {
            description: 'A stream that ends only when the server or the client ends it',
            content: { [EVENT_STREAM]: { schema: z.string() } },
          },
          default: problemResponse,
        },
      },
    },
    async (request, reply) => {
      const header = request.headers['last-event-id'];
      const after = (typeof header === 'string' ? header : request.query.after) || null;
      const out = new PassThrough();
      const { store, clock, logger } = api;
      const { access } = request;
      const signal = access === null ? stop.signal : AbortSignal.any([stop.signal, access.revoked]);
      const onTrouble = (error: unknown): void => {
        const { code, message } = toHoldfastError(error);
        logger.warn({ code, requestId: request.id }, `A live view is in trouble: ${message}`);
      };
      const queuedAt = (path: string, version: number): string | null =>
        api.catalog.replication(path, version)?.queuedAt ?? null;
      tellLive(out, { store, clock, readState, onTrouble, queuedAt, after, signal }).catch(
        (error: unknown) => {
          onTrouble(error);
          out.destroy();
        },
      );
      return reply
        .type(EVENT_STREAM)
        .header('x-accel-buffering', 'no')
        .send(out as never);
    },
  );
}

/** What a console shows at a glance; nothing that changes with time alone. */
async function readLiveState(api: Api): Promise<Record<'mode' | 'alerts' | 'health', unknown>> {
  const { catalog, settings } = api;
  const { reasons, warnings } = await findCondition(api, 'internal');
  return {
    mode: viewMode(api),
    alerts: { open: findOpenAlerts(api) },
    health: {
      status: reasons.length + warnings.length === 0 ? 'ok' : 'degraded',
      node: settings.node,
      reasons,
      warnings,
      documents: catalog.documentCounts(),
      replications: catalog.replicationCounts(),
      oldestPendingAt: catalog.oldestPendingAt()?.toISOString() ?? null,
    },
  };
}

/** One answer for all who ask within so long. */
function shareFor<T>(ms: number, read: () => Promise<T>): () => Promise<T> {
  let shared: Promise<T> | null = null;
  let until = Number.NEGATIVE_INFINITY;
  return () => {
    if (shared !== null && performance.now() < until) return shared;
    shared = read();
    until = performance.now() + ms;
    return shared;
  };
}
