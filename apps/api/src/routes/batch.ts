import { toHoldfastError } from '@holdfast/domain';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { batchDoneSchema, batchResultSchema } from '../batch/batch-result.ts';
import { ResultStream } from '../batch/result-stream.ts';
import { runBatch } from '../batch/run-batch.ts';
import { runOrderedBatch } from '../batch/run-ordered-batch.ts';
import { metadataOf } from '../command-metadata.ts';
import { problemResponse } from '../problems.ts';
import { flagQuery } from '../query.ts';

const NDJSON = 'application/x-ndjson';

const querySchema = z.strictObject({
  dryRun: flagQuery.default(false).meta({
    description: 'Name every change and make none; each line is compared with what is published now',
  }),
  ordered: flagQuery.default(false).meta({
    description:
      'Publish what others point to first, manifests last, and delete at the end; results come in that order',
  }),
});

export function batch(app: ApiServer, api: Api): void {
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // The request is read while the answer is written.
    scope.addContentTypeParser('*', (_request, payload, parsed) => {
      parsed(null, payload);
    });
    scope.post<{ Body: IncomingMessage | undefined; Querystring: z.infer<typeof querySchema> }>(
      '/v1/batch',
      {
        schema: {
          tags: ['content'],
          summary: 'Publish and delete many documents in one request',
          description: [
            'NDJSON, one command a line: `{ "put": path, "text": "<exact document>" }` or `{ "put": path, "body": <JSON value> }` (both with `contentType` and `ifMatch` if need be), `{ "delete": path, "reason": "…", "ifMatch": 3 }`.',
            'The answer has one line for each, streamed, and a last line with `"done": true`. Without that last line the request was cut off; what was answered stays. Send it again: what is published already is `unchanged`.',
          ].join('\n\n'),
          consumes: [NDJSON],
          querystring: querySchema,
          response: {
            200: { content: { [NDJSON]: { schema: z.union([batchResultSchema, batchDoneSchema]) } } },
            default: problemResponse,
          },
        },
      },
      (request, reply) => {
        api.requireWritable();
        const { dryRun, ordered } = request.query;
        const results = new ResultStream(api.settings.dataDir);
        const context = { api, metadata: metadataOf(request, api.clock), isDryRun: dryRun };
        const run = ordered ? runOrderedBatch : runBatch;
        run(context, request.body ?? Readable.from([]), results).catch((error: unknown) => {
          const { code, message } = toHoldfastError(error);
          api.logger.warn({ requestId: request.id, code }, `A batch was cut off: ${message}`);
          results.destroy(error as Error);
        });
        return reply.type(NDJSON).send(results);
      },
    );
    done();
  });
}
