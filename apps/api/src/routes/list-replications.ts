import { REPLICATION_STATUSES } from '@holdfast/catalog';
import { REPLICATION_ACTIONS } from '@holdfast/domain';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { problemResponse } from '../problems.ts';
import { cursorQuery, encodeCursor, instantQuery, limitQuery } from '../query.ts';

const querySchema = z.strictObject({
  path: z.string().max(1024).optional(),
  status: z.enum(REPLICATION_STATUSES).optional(),
  since: instantQuery.optional().meta({ description: 'Published or deleted at or after' }),
  cursor: cursorQuery.optional(),
  limit: limitQuery(100, 1000),
});

export const replicationSchema = z.object({
  path: z.string(),
  version: z.int(),
  position: z.string(),
  action: z.enum(REPLICATION_ACTIONS),
  status: z.enum(REPLICATION_STATUSES),
  attempts: z.int(),
  queuedAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  nextRetryAt: z.string().nullable(),
  localSha256: z.string().nullable(),
  cdnSha256: z.string().nullable(),
  etag: z.string().nullable(),
  verified: z.boolean().meta({ description: 'The object was compared with the local file and is equal' }),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

export const replicationListSchema = z.object({
  replications: z.array(replicationSchema).meta({ description: 'Newest first' }),
  next: z.string().nullable(),
});

export function listReplications(app: ApiServer, api: Api): void {
  app.get(
    '/v1/replications',
    {
      schema: {
        tags: ['replication'],
        summary: 'The replication log: every version of every path',
        querystring: querySchema,
        response: { 200: replicationListSchema, default: problemResponse },
      },
    },
    (request) => {
      const { cursor, ...question } = request.query;
      api.requireCatalog();
      const { rows, next } = api.catalog.replications({ ...question, after: cursor ?? null });
      return { replications: rows, next: next === null ? null : encodeCursor(next) };
    },
  );
}
