import { REPLICATION_STATUSES, type ReplicationRow, type ReplicationsQuestion } from '@holdfast/catalog';
import { REPLICATION_ACTIONS } from '@holdfast/domain';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { problemResponse } from '../problems.ts';
import { cursorQuery, encodeCursor, instantQuery, limitQuery } from '../query.ts';

const ROWS_PER_READ = 200;
const NDJSON = 'application/x-ndjson';

const querySchema = z.strictObject({
  path: z.string().max(1024).optional(),
  prefix: z.string().max(1024).optional().meta({ description: 'Of the path: `plans/p1/`' }),
  status: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(REPLICATION_STATUSES)))
    .optional()
    .meta({
      description: `One of ${REPLICATION_STATUSES.join(', ')}; several with commas between them. What is being replicated at this moment is \`queued\` or \`failed\` until its outcome is in the log`,
    }),
  since: instantQuery.optional().meta({ description: 'Published or deleted at or after' }),
  cursor: cursorQuery.optional(),
  limit: limitQuery(100, 1000),
});

const hashSchema = z.string().nullable();

export const replicationSchema = z.object({
  path: z.string(),
  version: z.int(),
  position: z.string().meta({ description: 'Of the event that published or deleted it' }),
  action: z.enum(REPLICATION_ACTIONS),
  status: z.enum(REPLICATION_STATUSES),
  attempts: z.int().meta({ description: 'Made so far, also before somebody asked for another round' }),
  queuedAt: z.string().meta({ description: 'When it was published or deleted' }),
  startedAt: z.string().nullable().meta({ description: 'Of the last attempt whose start is known' }),
  endedAt: z.string().nullable().meta({ description: 'Of the last attempt' }),
  nextRetryAt: z.string().nullable(),
  localSha256: hashSchema.meta({ description: 'Of the local file; null: this version is a deletion' }),
  cdnSha256: hashSchema.meta({ description: 'Of the object that this version became; null: none' }),
  etag: z.string().nullable(),
  verified: z.boolean().meta({ description: 'The object was compared with the local file and is equal' }),
  error: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .meta({ description: 'Of the last attempt that failed, until one succeeds' }),
  cause: z
    .object({ correlationId: z.string(), causationId: z.string(), actor: z.string() })
    .meta({ description: 'The request that published or deleted it (its `x-request-id`), and who made it' }),
});

export const replicationListSchema = z.object({
  replications: z.array(replicationSchema).meta({ description: 'Newest first' }),
  counts: z
    .record(z.enum(REPLICATION_STATUSES), z.int())
    .meta({ description: 'Versions by status, of the whole replication log' }),
  next: z.string().nullable(),
});

export function listReplications(app: ApiServer, api: Api): void {
  app.get(
    '/v1/replications',
    {
      schema: {
        tags: ['replication'],
        summary: 'The replication log: every version of every path',
        description:
          'Pages stay stable while rows arrive and change: none is given twice, and none that fits all the time is left out. With `Accept: application/x-ndjson` all that match are streamed, one in a line, from the cursor on.',
        querystring: querySchema,
        response: {
          200: {
            description: 'A page, or a stream of rows',
            content: {
              'application/json': { schema: replicationListSchema },
              [NDJSON]: { schema: replicationSchema },
            },
          },
          default: problemResponse,
        },
      },
    },
    async (request, reply) => {
      const { cursor, ...filters } = request.query;
      const question = { ...filters, after: cursor ?? null };
      api.requireCatalog();
      if (request.headers.accept?.includes(NDJSON) === true) {
        // What the client does not take is not read either.
        const lines = Readable.from(streamLines(api, question), { objectMode: false });
        return reply.type(NDJSON).send(lines as never);
      }
      const { rows, next } = await readPage(api, question, request.signal);
      return {
        replications: rows,
        counts: api.catalog.replicationCounts(),
        next: next === null ? null : encodeCursor(next),
      };
    },
  );
}

/** A full page, or all there is; other requests are served while many rows are looked through for few. */
async function readPage(
  { catalog }: Api,
  question: ReplicationsQuestion,
  signal: AbortSignal,
): Promise<{ rows: ReplicationRow[]; next: string | null }> {
  const { rows, next } = catalog.replications(question);
  for (let after = next; ;) {
    const limit = question.limit - rows.length;
    if (after === null || limit === 0 || signal.aborted) return { rows, next: after };
    await setImmediate();
    const more = catalog.replications({ ...question, after, limit });
    rows.push(...more.rows);
    after = more.next;
  }
}

async function* streamLines({ catalog }: Api, question: ReplicationsQuestion): AsyncGenerator<string> {
  for (let after = question.after; ;) {
    const { rows, next } = catalog.replications({ ...question, after, limit: ROWS_PER_READ });
    if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    if (next === null) return;
    after = next;
    await setImmediate();
  }
}
