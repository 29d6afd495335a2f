import { isContentPath } from '@holdfast/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Counter } from 'prom-client';
import type { ApiServer, ApiSettings } from '../api.ts';
import { acceptsGzip } from '../local-origin/accept-encoding.ts';
import { findNamedTag } from '../local-origin/entity-tags.ts';
import { contentNotFound, findDocument, type FindPorts } from '../local-origin/find-document.ts';
import { Representations } from '../local-origin/representations.ts';

type WildcardRequest = FastifyRequest<{ Params: { '*': string } }>;

export interface LocalOriginPorts extends FindPorts {
  readonly settings: Pick<ApiSettings, 'cacheControl' | 'corsOrigins' | 'pathRules'>;
  readonly metrics: { readonly localOrigin: Pick<Counter<'from'>, 'inc'> };
}

/**
 * The local origin. What is not a content path is not found without a look at the disk, so `.prev`,
 * temporary files and dot names cannot be had. A query (`?v=`) only tells caches apart.
 */
export function serveContent(app: ApiServer, api: LocalOriginPorts): void {
  const representations = new Representations();
  const { corsOrigins, cacheControl } = api.settings;
  const vary = corsOrigins === '*' ? 'Accept-Encoding' : 'Accept-Encoding, Origin';

  app.route<{ Params: { '*': string } }>({
    // By one handler: a 304 to HEAD has no Content-Length of its own.
    method: ['GET', 'HEAD'],
    url: '/content/*',
    schema: { tags: ['local origin'], summary: 'The document as readers get it' },
    handler: async (request, reply) => {
      allowOrigin(request, reply);
      const path = request.params['*'];
      if (!isContentPath(path, api.settings.pathRules)) throw contentNotFound(path.slice(0, 300));
      const { representation, from } = await findDocument(api, representations, path);
      const { sha256, body, contentType } = representation;
      const canGzip = representations.canGzip(representation);
      const useGzip = canGzip && acceptsGzip(request.headers['accept-encoding']);
      const [plainTag, gzipTag] = [`"${sha256}"`, `"${sha256}-gzip"`];
      const tags = useGzip ? [gzipTag, plainTag] : canGzip ? [plainTag, gzipTag] : [plainTag];
      void reply.headers({
        'cache-control': cacheControl,
        vary,
        'x-content-type-options': 'nosniff',
        etag: useGzip ? gzipTag : plainTag,
      });
      const named = findNamedTag(request.headers['if-none-match'], tags);
      api.metrics.localOrigin.inc({ from: named === null ? from : 'not-modified' });
      if (named !== null) return reply.code(304).header('etag', named).send();
      void reply.type(contentType);
      if (!useGzip) return reply.send(body);
      void reply.header('content-encoding', 'gzip');
      return reply.send(await representations.gzip(path, representation));
    },
  });

  app.options('/content/*', { schema: { hide: true } }, (request: WildcardRequest, reply) => {
    allowOrigin(request, reply);
    return reply
      .code(204)
      .headers({
        vary,
        'access-control-allow-methods': 'GET, HEAD',
        'access-control-allow-headers': 'If-None-Match, Cache-Control, Range',
        'access-control-max-age': '86400',
      })
      .send();
  });

  function allowOrigin({ headers: { origin } }: FastifyRequest, reply: FastifyReply): void {
    const allowed = corsOrigins === '*' ? '*' : corsOrigins.find((candidate) => candidate === origin);
    if (allowed === undefined) return;
    void reply.headers({
      'access-control-allow-origin': allowed,
      'access-control-expose-headers': 'ETag, Content-Length',
    });
  }
}
