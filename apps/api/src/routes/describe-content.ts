import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { type PathRequest, pathOf } from '../content-path.ts';
import { locate, locatedSchema, onCdnSchema, requirePublished } from '../document-view.ts';
import { readOrNull } from '../local-index.ts';
import { problemResponse } from '../problems.ts';

export const documentStateSchema = z.object({
  path: z.string(),
  version: z.int(),
  position: z.string(),
  publishedAt: z.string(),
  publishedBy: z.string(),
  contentType: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  sourceSha256: z.string(),
  ...locatedSchema,
  local: z
    .object({ version: z.int(), sha256: z.string() })
    .nullable()
    .meta({ description: 'What is on the disk of this node; null: not yet' }),
  cdn: onCdnSchema,
});

export function describeContent(app: ApiServer, api: Api): void {
  app.get<PathRequest>(
    '/v1/content/*',
    {
      schema: {
        tags: ['content'],
        summary: 'The state of a document: published, on this disk, in the bucket',
        response: { 200: documentStateSchema, default: problemResponse },
      },
    },
    (request, reply) => {
      const path = pathOf(request, api);
      api.requireCatalog();
      const document = requirePublished(api, path);
      const recorded = readOrNull(() => api.reader.recorded(path));
      return reply.header('etag', `"${document.version}"`).send({
        path,
        version: document.version,
        position: document.position,
        publishedAt: document.at,
        publishedBy: document.actor,
        contentType: document.contentType,
        bytes: document.bytes,
        sha256: document.sha256,
        sourceSha256: document.sourceSha256,
        ...locate(request.mode, document),
        local: recorded?.state === 'live' ? { version: recorded.version, sha256: recorded.sha256 } : null,
        cdn: document.onCdn,
      });
    },
  );
}
