import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { ApiServer } from './api.ts';

const pathParameter = {
  type: 'object',
  properties: { path: { type: 'string', description: 'A content path, its segments percent-encoded' } },
  required: ['path'],
};

/** `/openapi.json` and `/docs`, both made from the schemas of the routes. To be registered before them. */
export function describeApi(app: ApiServer): void {
  void app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Holdfast',
        version: '1',
        description:
          'Publishes JSON documents to local disk first and to a CDN bucket after. Errors are problem details (RFC 9457) with a stable `code`.',
      },
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'Asked for where HOLDFAST_TOKENS_FILE is set',
          },
        },
      },
      tags: [
        { name: 'content', description: 'Publish, delete and look up documents' },
        { name: 'urls and mode', description: 'Where readers are sent' },
        { name: 'replication', description: 'What reached the bucket, and what did not' },
        { name: 'drift', description: 'What differs between the log, the local files and the bucket' },
        { name: 'operation', description: 'Audit, health, jobs, backup' },
        { name: 'local origin', description: 'Documents as readers get them' },
        { name: 'probes', description: 'For machines that watch' },
      ],
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      // A wildcard has no name in OpenAPI.
      if (!url.endsWith('/*') || schema.hide === true) return { schema, url };
      return { schema: { ...schema, params: pathParameter }, url: url.replace(/\*$/, ':path') };
    },
  });
  void app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: {
      tryItOutEnabled: true,
      // It is sent to the page as text.
      requestInterceptor: (request: object) => {
        Object.assign((request as { headers: object }).headers, { 'x-holdfast-csrf': '1' });
        return request;
      },
    },
  });
  void app.register((scope, _options, done) => {
    scope.get('/openapi.json', { schema: { hide: true } }, () => scope.swagger());
    done();
  });
}
