import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startApi, type TestApi } from './testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

interface Operation {
  readonly responses: Record<string, unknown>;
  readonly parameters?: { name: string; in: string; required: boolean }[];
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1 and lists every route', async () => {
    const { status, json } = await api.get('/openapi.json');
    expect([status, json['openapi']]).toEqual([200, '3.1.0']);
    const paths = json['paths'] as Record<string, Record<string, Operation>>;
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(operations.sort()).toEqual(
      [
        'PUT /v1/content/{path}',
        'GET /v1/content/{path}',
        'DELETE /v1/content/{path}',
        'GET /v1/content',
        'GET /v1/tree',
        'GET /v1/tree/summary',
        'GET /v1/versions/{path}',
        'POST /v1/batch',
        'GET /v1/url/{path}',
        'POST /v1/urls',
        'GET /v1/mode',
        'PUT /v1/mode',
        'GET /v1/replications',
        'POST /v1/replications/retry',
        'GET /v1/audit',
        'GET /v1/alerts',
        'GET /v1/live',
        'GET /v1/activity',
        'GET /v1/drift',
        'POST /v1/drift/scans',
        'GET /v1/drift/scans/{id}',
        'GET /v1/drift/scans/{id}/findings',
        'GET /v1/drift/scans/{id}/summary',
        'GET /v1/quarantine',
        'GET /v1/session',
        'POST /v1/quarantine/restore',
        'GET /v1/health',
        'POST /v1/nodes/{node}/retire',
        'POST /v1/replays',
        'GET /v1/jobs',
        'GET /v1/jobs/{id}',
        'GET /v1/backup',
        'GET /content/{path}',
        'HEAD /content/{path}',
        'GET /healthz',
        'GET /readyz',
        'GET /metrics',
      ].sort(),
    );
    for (const [path, methods] of Object.entries(paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { responses, parameters = [] } of Object.values(methods)) {
        expect(Object.keys(responses)).not.toEqual([]);
        const inPath = parameters.filter((parameter) => parameter.in === 'path');
        expect(inPath.map(({ name, required }) => [name, required])).toEqual(
          named.map((name) => [name, true]),
        );
      }
    }
  });

  it('names every way in which the replication log is answered', async () => {
    const { json } = await api.get('/openapi.json');
    const paths = json['paths'] as Record<string, Record<string, Operation>>;
    const { responses, parameters = [] } = paths['/v1/replications']!['get']!;
    const { content } = responses['200'] as { content: Record<string, unknown> };
    expect(Object.keys(content)).toEqual(['application/json', 'application/x-ndjson']);
    expect(parameters.map(({ name }) => name)).toEqual([
      'path',
      'prefix',
      'status',
      'since',
      'cursor',
      'limit',
    ]);
  });
});

describe('/docs', () => {
  it('shows it to people', async () => {
    const docs = await api.get('/docs');
    expect(docs.status).toBe(200);
    expect(docs.body.toString()).toContain('swagger-ui');
  });
});
