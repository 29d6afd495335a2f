import type { AlertsQuestion } from '@holdfast/catalog';
import { ALERT_CODES } from '@holdfast/domain';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { alertSchema, findUnrecorded, findOpenAlerts, viewAlert } from '../open-alerts.ts';
import { problemResponse } from '../problems.ts';
import { cursorQuery, encodeCursor, limitQuery } from '../query.ts';

const ALERTS_PER_READ = 200;
const NDJSON = 'application/x-ndjson';

const querySchema = z.strictObject({
  state: z.enum(['open', 'past', 'all']).default('all'),
  code: z.enum(ALERT_CODES).optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery(100, 1000),
});

export const alertListSchema = z.object({
  alerts: z.array(alertSchema).meta({
    description: 'What the log has yet to take (on the first page), then newest first',
  }),
  open: z.int().meta({ description: 'How many hold now, of any code' }),
  next: z.string().nullable(),
});

export function listAlerts(app: ApiServer, api: Api): void {
  app.get(
    '/v1/alerts',
    {
      schema: {
        tags: ['operation'],
        summary: 'Conditions that people are told of: open ones and past ones',
        description: 'With `Accept: application/x-ndjson` all that match are streamed, one in a line.',
        querystring: querySchema,
        response: {
          200: {
            description: 'A page, or a stream of alerts',
            content: {
              'application/json': { schema: alertListSchema },
              [NDJSON]: { schema: alertSchema },
            },
          },
          default: problemResponse,
        },
      },
    },
    async (request, reply) => {
      const { state, code, cursor, limit } = request.query;
      api.requireCatalog();
      const before = cursor ?? null;
      const question = { code, before, limit, isOpen: state === 'all' ? undefined : state === 'open' };
      const unrecorded =
        before !== null || state === 'past'
          ? []
          : findUnrecorded(api).filter((alert) => code === undefined || alert.code === code);
      if (request.headers.accept?.includes(NDJSON) === true) {
        const lines = Readable.from(streamLines(api, question, unrecorded), { objectMode: false });
        return reply.type(NDJSON).send(lines as never);
      }
      const alerts = api.catalog.alerts({ ...question, limit: limit + 1 });
      const page = alerts.slice(0, limit);
      const last = alerts.length > limit ? page.at(-1) : undefined;
      return {
        alerts: [...unrecorded, ...page.map(viewAlert)],
        open: findOpenAlerts(api).length,
        next: last === undefined ? null : encodeCursor(last.raised.position),
      };
    },
  );
}

async function* streamLines(
  { catalog }: Api,
  question: AlertsQuestion,
  unrecorded: readonly z.infer<typeof alertSchema>[],
): AsyncGenerator<string> {
  for (const alert of unrecorded) yield `${JSON.stringify(alert)}\n`;
  for (let before = question.before; ;) {
    const page = catalog.alerts({ ...question, before, limit: ALERTS_PER_READ });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page.map((alert) => `${JSON.stringify(viewAlert(alert))}\n`).join('');
    before = last.raised.position;
    await setImmediate();
  }
}
