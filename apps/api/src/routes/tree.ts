import type { TreeEntry } from '@holdfast/catalog';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { readOrNull } from '../local-index.ts';
import { problemResponse } from '../problems.ts';
import { cursorQuery, encodeCursor, limitQuery } from '../query.ts';
import { listedDocumentSchema } from './list-content.ts';

const prefixQuery = z.string().max(1024).default('');

const querySchema = z.strictObject({
  prefix: prefixQuery.meta({
    description: '`plans/p1/` for what lies in a directory; `plans/p` to search in one',
  }),
  status: z
    .enum(['published', 'deleted', 'all'])
    .default('published')
    .meta({ description: '`published` when absent' }),
  cursor: cursorQuery.optional(),
  limit: limitQuery(100, 1000),
});

const countUpToSchema = z
  .object({ count: z.int(), isAtLeast: z.boolean() })
  .meta({ description: 'Counting ends at a limit; `isAtLeast` says that there is more' });

const treeDocumentSchema = z.object({
  kind: z.literal('document'),
  ...listedDocumentSchema.shape,
  local: z
    .object({ version: z.int(), sha256: z.string() })
    .nullable()
    .meta({ description: 'What is on the disk of this node; null: nothing, or not yet' }),
});

const treeDirectorySchema = z.object({
  kind: z.literal('directory'),
  path: z.string().meta({ description: 'With its slash at the end' }),
  documents: countUpToSchema,
});

export const treePageSchema = z.object({
  prefix: z.string(),
  entries: z.array(z.discriminatedUnion('kind', [treeDirectorySchema, treeDocumentSchema])),
  next: z.string().nullable().meta({ description: 'Cursor of the next page; null after the last' }),
});

export const treeSummarySchema = z.object({
  prefix: z.string(),
  documents: countUpToSchema,
  bytes: z.int().meta({ description: 'Of the documents that were counted' }),
  onCdn: z.int().meta({ description: 'How many of them the bucket holds, by the log' }),
});

export function listTree(app: ApiServer, api: Api): void {
  app.get(
    '/v1/tree',
    {
      schema: {
        tags: ['content'],
        summary: 'List one level of the paths: documents, and directories with how much they hold',
        description: 'The work is that of the page, whatever lies below the directories.',
        querystring: querySchema,
        response: { 200: treePageSchema, default: problemResponse },
      },
    },
    (request) => {
      const { prefix, status, cursor, limit } = request.query;
      api.requireCatalog();
      const entries = api.catalog.tree({
        prefix,
        after: cursor ?? null,
        limit: limit + 1,
        status: status === 'all' ? undefined : status,
      });
      const page = entries.slice(0, limit);
      const last = entries.length > limit ? page.at(-1) : undefined;
      return {
        prefix,
        entries: page.map((entry) => view(api, entry)),
        next: last === undefined ? null : encodeCursor(pathOf(last)),
      };
    },
  );
}

export function summariseTree(app: ApiServer, api: Api): void {
  app.get(
    '/v1/tree/summary',
    {
      schema: {
        tags: ['content'],
        summary: 'How much is published below a prefix, and how much of it the bucket holds',
        querystring: z.strictObject({ prefix: prefixQuery }),
        response: { 200: treeSummarySchema, default: problemResponse },
      },
    },
    (request) => {
      const { prefix } = request.query;
      api.requireCatalog();
      return { prefix, ...api.catalog.belowPrefix(prefix) };
    },
  );
}

const pathOf = (entry: TreeEntry): string => (entry.kind === 'directory' ? entry.path : entry.document.path);

function view(api: Api, entry: TreeEntry): z.infer<typeof treePageSchema>['entries'][number] {
  if (entry.kind === 'directory') return entry;
  const { onCdn, ...document } = entry.document;
  const recorded = readOrNull(() => api.reader.recorded(document.path));
  return {
    kind: 'document',
    ...document,
    local: recorded?.state === 'live' ? { version: recorded.version, sha256: recorded.sha256 } : null,
    cdn: onCdn,
  };
}
