import { type ContentEvent, type ContentPath, contentStream, HoldfastError } from '@holdfast/domain';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { type PathRequest, pathOf } from '../content-path.ts';
import { contentDeleted, contentNotFound } from '../local-origin/find-document.ts';
import { problemResponse } from '../problems.ts';
import { cursorQuery, encodeCursor, limitQuery } from '../query.ts';

const querySchema = z.strictObject({
  version: z
    .union([z.literal('current'), z.string().regex(/^\d{1,15}$/, 'is neither a version nor "current"')])
    .optional()
    .meta({ description: 'Answers with the bytes of this version (`current`: of the one there is now)' }),
  cursor: cursorQuery.refine((text) => /^\d{1,15}$/.test(text), 'is not a cursor of this list').optional(),
  limit: limitQuery(100, 1000),
});

const versionSchema = z.object({
  version: z.int(),
  position: z.string(),
  action: z.enum(['published', 'deleted']),
  at: z.string(),
  actor: z.string(),
  contentType: z.string().nullable(),
  bytes: z.int().nullable(),
  sha256: z.string().nullable(),
  sourceSha256: z.string().nullable(),
  reason: z.string().nullable().meta({ description: 'Of a deletion' }),
});

export const versionListSchema = z.object({
  path: z.string(),
  versions: z.array(versionSchema).meta({ description: 'Newest first' }),
  next: z.string().nullable(),
});

export function listVersions(app: ApiServer, api: Api): void {
  app.get<PathRequest & { Querystring: z.infer<typeof querySchema> }>(
    '/v1/versions/*',
    {
      schema: {
        tags: ['content'],
        summary: 'The versions of a document, or the bytes of one',
        querystring: querySchema,
        response: { 200: versionListSchema, default: problemResponse },
      },
    },
    async (request, reply) => {
      const path = pathOf(request, api);
      const { version, cursor, limit } = request.query;
      if (version !== undefined) return sendVersion(api, reply, path, version);
      const events = await readVersions(api, path, cursor === undefined ? null : Number(cursor), limit);
      if (events.length === 0 && cursor === undefined) throw contentNotFound(path);
      const oldest = events.at(-1)?.version ?? 0;
      return { path, versions: events.map(view), next: oldest === 0 ? null : encodeCursor(String(oldest)) };
    },
  );
}

async function readVersions(api: Api, path: ContentPath, before: number | null, limit: number) {
  const events = await api.store.readStream(contentStream(path), {
    direction: 'backwards',
    maxCount: limit,
    ...(before === null ? {} : { fromVersion: before - 1 }),
  });
  return events as ContentEvent[];
}

function view(event: ContentEvent): z.infer<typeof versionSchema> {
  const isPublished = event.type === 'ContentPublished';
  return {
    version: event.version,
    position: event.position,
    action: isPublished ? 'published' : 'deleted',
    at: event.metadata.at,
    actor: event.metadata.actor,
    contentType: isPublished ? event.data.contentType : null,
    bytes: isPublished ? event.data.bytes : null,
    sha256: isPublished ? event.data.sha256 : null,
    sourceSha256: isPublished ? event.data.sourceSha256 : null,
    reason: isPublished ? null : event.data.reason,
  };
}

async function sendVersion(
  api: Api,
  reply: FastifyReply,
  path: ContentPath,
  version: string,
): Promise<FastifyReply> {
  const [event] = (await api.store.readStream(contentStream(path), {
    direction: 'backwards',
    maxCount: 1,
    withBodies: true,
    ...(version === 'current' ? {} : { fromVersion: Number(version) }),
  })) as ContentEvent[];
  if (event === undefined && version === 'current') throw contentNotFound(path);
  if (event?.type === 'ContentDeleted' && version === 'current') {
    throw contentDeleted(path, event.metadata.at, event.version);
  }
  if (event?.type !== 'ContentPublished' || (version !== 'current' && event.version !== Number(version))) {
    throw new HoldfastError(
      'VERSION_NOT_FOUND',
      `The document ${path} has no version ${version} with bytes.`,
      {
        context: { path, version },
      },
    );
  }
  const { contentType, sha256 } = event.data;
  return reply
    .headers({
      'content-type': contentType,
      etag: `"${sha256}"`,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
    })
    .send(event.body);
}
