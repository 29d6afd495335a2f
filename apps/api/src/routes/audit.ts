import { EVENT_DEFINITIONS, type EventType, type LogEntry } from '@holdfast/domain';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { problemResponse } from '../problems.ts';
import { cursorQuery, encodeCursor, instantQuery, limitQuery } from '../query.ts';

const EVENTS_PER_READ = 500;
const NDJSON = 'application/x-ndjson';

const querySchema = z.strictObject({
  path: z.string().max(1024).optional(),
  type: z.enum(Object.keys(EVENT_DEFINITIONS) as [EventType, ...EventType[]]).optional(),
  actor: z.string().max(200).optional(),
  from: instantQuery.optional(),
  to: instantQuery.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery(100, 1000),
});
type Question = Omit<z.infer<typeof querySchema>, 'cursor' | 'limit'>;

export const auditEventSchema = z.object({
  id: z.string(),
  position: z.string(),
  stream: z.string(),
  version: z.int(),
  type: z.string(),
  at: z.string().nullable(),
  actor: z.string().nullable(),
  correlationId: z.string().nullable(),
  causationId: z.string().nullable(),
  data: z.record(z.string(), z.json()).nullable().meta({ description: 'null: this event cannot be read' }),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

export const auditPageSchema = z.object({
  events: z.array(auditEventSchema).meta({ description: 'Newest first' }),
  next: z.string().nullable(),
});

export function audit(app: ApiServer, api: Api): void {
  app.get(
    '/v1/audit',
    {
      schema: {
        tags: ['operation'],
        summary: 'The events, newest first',
        description:
          'With `Accept: application/x-ndjson` all that match are streamed, one in a line, from the cursor on.',
        querystring: querySchema,
        response: { 200: auditPageSchema, default: problemResponse },
      },
    },
    async (request, reply) => {
      const { cursor, limit, ...question } = request.query;
      api.requireCatalog();
      const before = cursor ?? null;
      if (request.headers.accept?.includes(NDJSON) === true) {
        const lines = Readable.from(streamLines(api, question, before), { objectMode: false });
        // The schema is of the page; a stream is sent as it is.
        return reply.type(NDJSON).send(lines as never);
      }
      const { events, next } = await readPage(api, question, before, limit);
      return { events, next: next === null ? null : encodeCursor(next) };
    },
  );
}

async function readPage({ catalog, store }: Api, question: Question, before: string | null, limit: number) {
  const positions = catalog.auditPositions({ ...question, before, limit: limit + 1 });
  const page = positions.slice(0, limit);
  const entries = await store.readAt(page);
  return { events: entries.map(view), next: positions.length > limit ? (page.at(-1) ?? null) : null };
}

async function* streamLines(api: Api, question: Question, before: string | null): AsyncGenerator<string> {
  let after: string | null = before;
  do {
    const { events, next } = await readPage(api, question, after, EVENTS_PER_READ);
    if (events.length > 0) yield events.map((event) => `${JSON.stringify(event)}\n`).join('');
    after = next;
  } while (after !== null);
}

function view(entry: LogEntry): z.infer<typeof auditEventSchema> {
  const { id, position, stream, version } = entry;
  if (entry.type === 'Unreadable') {
    const unknown = { at: null, actor: null, correlationId: null, causationId: null, data: null };
    const { code, message } = entry.error;
    return { id, position, stream, version, type: entry.recordedType, ...unknown, error: { code, message } };
  }
  const { at, actor, correlationId, causationId } = entry.metadata;
  const data = entry.data as z.infer<typeof auditEventSchema>['data'];
  return {
    id,
    position,
    stream,
    version,
    type: entry.type,
    at,
    actor,
    correlationId,
    causationId,
    data,
    error: null,
  };
}
