import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { findCondition, reasonSchema } from '../readiness.ts';

export const readyAnswerSchema = z.object({
  ready: z.boolean(),
  reasons: z.array(reasonSchema),
  warnings: z
    .array(reasonSchema)
    .meta({ description: 'What somebody should look at; it keeps no traffic away' }),
});

/** Liveness: this process answers; whether what it needs is well is not asked. */
export function healthz(app: ApiServer): void {
  app.get(
    '/healthz',
    {
      schema: {
        tags: ['probes'],
        summary: 'Liveness',
        response: { 200: z.object({ status: z.literal('ok') }) },
      },
    },
    () => ({ status: 'ok' as const }),
  );
}

export function readyz(app: ApiServer, api: Api): void {
  app.get(
    '/readyz',
    {
      schema: {
        tags: ['probes'],
        summary: 'Readiness, with reasons',
        response: { 200: readyAnswerSchema, 503: readyAnswerSchema },
      },
    },
    async (_request, reply) => {
      const { reasons, warnings } = await findCondition(api, 'public');
      void reply.header('cache-control', 'no-store');
      if (reasons.length === 0) return { ready: true, reasons, warnings };
      return reply.code(503).header('retry-after', '1').send({ ready: false, reasons, warnings });
    },
  );
}

export function metrics(app: ApiServer, { metrics: { registry } }: Api): void {
  app.get(
    '/metrics',
    { schema: { tags: ['probes'], summary: 'Prometheus metrics', produces: ['text/plain'] } },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}
