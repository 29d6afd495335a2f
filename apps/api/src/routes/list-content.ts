import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { onCdnSchema } from '../document-view.ts';
import { problemResponse } from '../problems.ts';
import { cursorQuery, encodeCursor, limitQuery } from '../query.ts';

const querySchema = z.strictObject({
  prefix: z.string().max(1024).default('').meta({ description: 'Only paths that begin so' }),
  status: z
    .enum(['published', 'deleted', 'all'])
    .default('published')
    .meta({ description: '`published` when absent' }),
  cursor: cursorQuery.optional(),
  limit: limitQuery(100, 1000),
});

export const listedDocumentSchema = z
  .object({
    path: z.string(),
    status: z.enum(['published', 'deleted']),
    version: z.int(),
    position: z.string(),
    at: z.string(),
    actor: z.string(),
    contentType: z.string().nullable(),
    bytes: z.int().nullable(),
    sha256: z.string().nullable(),
    sourceSha256: z.string().nullable(),
    cdn: onCdnSchema,
  })
  .meta({ description: 'The content type, size and hashes of a deleted document are null' });

export const documentListSchema = z.object({
  documents: z.array(listedDocumentSchema),
  next: z.string().nullable().meta({ description: 'Cursor of the next page; null after the last' }),
});

export function listContent(app: ApiServer, api: Api): void {
  app.get(
    '/v1/content',
    {
      schema: {
        tags: ['content'],
        summary: 'List documents in the order of their UTF-8 bytes',
        querystring: querySchema,
        response: { 200: documentListSchema, default: problemResponse },
      },
    },
    (request) => {
      const { prefix, status, cursor, limit } = request.query;
      api.requireCatalog();
      const documents = api.catalog.documents({
        prefix,
        after: cursor ?? null,
        limit: limit + 1,
        status: status === 'all' ? undefined : status,
      });
      const page = documents.slice(0, limit);
      const last = documents.length > limit ? page.at(-1) : undefined;
      return {
        documents: page.map(({ onCdn, ...document }) => ({ ...document, cdn: onCdn })),
        next: last === undefined ? null : encodeCursor(last.path),
      };
    },
  );
}
