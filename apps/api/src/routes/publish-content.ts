import {
  contentDecider,
  contentStream,
  derivedEventId,
  type EventOf,
  findEarlierDelivery,
  idempotencyKeyReused,
  MAX_DOCUMENT_BYTES,
  prepareDocument,
  type PreparedDocument,
} from '@holdfast/domain';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { actorOf, type Api, type ApiServer } from '../api.ts';
import { metadataOf } from '../command-metadata.ts';
import { type PathRequest, publishedPathOf } from '../content-path.ts';
import { waitedSchema, waitForDelivery, waitQuery } from '../delivery-wait.ts';
import { locate, locatedSchema } from '../document-view.ts';
import { readIdempotencyKey, readPrecondition } from '../preconditions.ts';
import { problemResponse } from '../problems.ts';
import { requireRoomFor } from '../require-room-for.ts';

const querySchema = z.strictObject(waitQuery);

const NO_BYTES = new Uint8Array();

export const publishAnswerSchema = z.object({
  path: z.string(),
  version: z.int().meta({ description: 'Revision in the history of this path, 0 first' }),
  position: z.string().meta({ description: 'Place in the whole log' }),
  sha256: z.string().meta({ description: 'Of the bytes that are stored' }),
  sourceSha256: z.string().meta({ description: 'Of the bytes as received, before links were replaced' }),
  bytes: z.int(),
  ...locatedSchema,
  unchanged: z.boolean().meta({ description: 'The document had these bytes already; nothing was appended' }),
  warnings: z.array(z.string()),
  waited: waitedSchema,
});

export function publishContent(app: ApiServer, api: Api): void {
  void app.register((scope, _options, done) => {
    // The bytes are the document: nothing parses them on the way here.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => {
      parsed(null, body);
    });
    scope.put<PathRequest & { Body: Buffer | undefined; Querystring: z.infer<typeof querySchema> }>(
      '/v1/content/*',
      {
        bodyLimit: MAX_DOCUMENT_BYTES,
        schema: {
          tags: ['content'],
          summary: 'Publish a document',
          description:
            'The body is the document, at most 16 MiB of JSON. Honours `If-Match: "<version>"`, `If-None-Match: *` and `Idempotency-Key`.',
          querystring: querySchema,
          response: {
            200: publishAnswerSchema,
            201: publishAnswerSchema,
            202: publishAnswerSchema,
            default: problemResponse,
          },
        },
      },
      async (request, reply) => {
        const path = publishedPathOf(request, api);
        const precondition = readPrecondition(request);
        const document = prepareDocument({
          path,
          contentType: request.headers['content-type'] ?? '',
          bytes: request.body ?? NO_BYTES,
          checks: api.settings.kinds,
        });
        api.requireWritable();
        requireRoomFor(api, path, document);
        const handled = await api.commands.handle(
          contentStream(path),
          contentDecider,
          { type: 'PublishContent', path, document, precondition },
          { metadata: metadataOf(request, api.clock), ...repeatable(request, api, document) },
        );
        const { state, position } = handled;
        if (state.status !== 'published' || position === null) throw new Error(`${path} is not published`);
        await api.catalog.reached(position);
        const waited = await waitForDelivery(
          api,
          { path, version: state.version, position },
          request.query,
          request.signal,
        );
        api.metrics.documents.inc({ outcome: handled.appended ? 'published' : 'unchanged' });
        const { sha256, sourceSha256, bytes } = state.published.data;
        const isFirst = handled.appended && state.version === 0;
        return reply
          .code(waited?.reached === false ? 202 : isFirst ? 201 : 200)
          .header('etag', `"${state.version}"`)
          .send({
            path,
            version: state.version,
            position,
            sha256,
            sourceSha256,
            bytes,
            ...locate(request.mode, { path, sha256, onCdn: api.catalog.document(path)?.onCdn ?? null }),
            unchanged: !handled.appended,
            warnings: [...document.warnings],
            waited,
          });
      },
    );
    done();
  });
}

/** What makes a repeated delivery harmless: an id that follows from the request, and the look for it. */
function repeatable(request: FastifyRequest, api: Api, document: PreparedDocument) {
  const key = readIdempotencyKey(request);
  if (key === null) return {};
  const { path, sourceSha256, contentType } = document;
  const eventId = derivedEventId(actorOf(request), 'PUT /v1/content', path, key);
  const replayed = async (): Promise<EventOf<'ContentPublished'> | null> => {
    const stream = contentStream(path);
    const first = await findEarlierDelivery<'ContentPublished'>(api.store, stream, eventId, api.clock.now());
    if (first === null) return null;
    const { data } = first;
    const isSame = data.sourceSha256 === sourceSha256 && data.contentType === contentType;
    if (!isSame) throw idempotencyKeyReused(path);
    return first;
  };
  return { eventId, replayed };
}
