import type { ReplicationStatus } from '@holdfast/catalog';
import {
  type ContentPath,
  HoldfastError,
  newEventId,
  parsePath,
  replicationStream,
  toHoldfastError,
} from '@holdfast/domain';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { metadataOf } from '../command-metadata.ts';
import { jobSchema } from '../job-view.ts';
import { problemResponse } from '../problems.ts';
import { requestJob } from '../request-job.ts';

const MAX_PATHS = 100;

const requestSchema = z.union([
  z.strictObject({
    path: z.string(),
    again: z.boolean().optional().meta({
      description: 'Also where it succeeded. Readers are sent to the local origin until it did once more',
    }),
  }),
  z.strictObject({
    paths: z.array(z.string()).min(1).max(MAX_PATHS).meta({ description: 'Those that have failed of these' }),
  }),
  z.strictObject({ all: z.literal(true) }),
]);

export const retryAnswerSchema = z.object({ path: z.string(), version: z.int(), position: z.string() });

export const retriedSchema = z.object({
  retried: z.array(retryAnswerSchema),
  refused: z
    .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
    .meta({ description: 'What had nothing to retry, or is no path; the others were asked for' }),
});

export function retryReplications(app: ApiServer, api: Api): void {
  app.post(
    '/v1/replications/retry',
    {
      schema: {
        tags: ['replication'],
        summary: 'Give dead letters another round of attempts',
        description:
          '`{ "path": "…" }`: one, which may also be failing still, and with `"again": true` one that succeeded; `{ "paths": [ … ] }`: up to 100, each as if asked for alone; `{ "all": true }`: every dead letter and all that waits for its next retry, as a job (202).',
        body: requestSchema,
        response: {
          200: z.union([retryAnswerSchema, retriedSchema]),
          202: jobSchema,
          default: problemResponse,
        },
      },
    },
    async (request, reply) => {
      api.requireWritable();
      const { body } = request;
      if ('all' in body) {
        const { failed, 'dead-letter': deadLetters } = api.catalog.replicationCounts();
        if (failed + deadLetters === 0) throw nothingToRetry('No replication has failed.');
        const job = await requestJob(api, request, { kind: 'retry-all', parameters: {} });
        return reply.code(202).header('location', `/v1/jobs/${job.id}`).send(job);
      }
      if ('path' in body) {
        const path = parsePath(body.path, api.settings.pathRules);
        const retried = await retryOne(api, request, path, body.again === true);
        await api.catalog.reached(retried.position);
        return reply.send(retried);
      }
      const { retried, refused } = await retrySome(api, request, body.paths);
      const last = retried
        .map(({ position }) => position)
        .sort()
        .at(-1);
      if (last !== undefined) await api.catalog.reached(last);
      return reply.send({ retried, refused });
    },
  );
}

/** Each by itself: one that cannot be asked for keeps no other from it. */
async function retrySome(
  api: Api,
  request: FastifyRequest,
  texts: readonly string[],
): Promise<z.infer<typeof retriedSchema>> {
  const retried: z.infer<typeof retryAnswerSchema>[] = [];
  const refused: z.infer<typeof retriedSchema>['refused'] = [];
  for (const text of new Set(texts)) {
    try {
      retried.push(await retryOne(api, request, parsePath(text, api.settings.pathRules), false));
    } catch (error) {
      const { code, kind, message } = toHoldfastError(error);
      // What was asked for already may be asked for again.
      if (kind !== 'rejected' && kind !== 'invalid') throw error;
      refused.push({ path: text, code, message });
    }
  }
  return { retried, refused };
}

/** @throws NOTHING_TO_RETRY, and what the store throws */
async function retryOne(
  api: Api,
  request: FastifyRequest,
  path: ContentPath,
  again: boolean,
): Promise<z.infer<typeof retryAnswerSchema>> {
  const [latest] = api.catalog.replications({ path, after: null, limit: 1 }).rows;
  if (latest === undefined || !canBeAsked(latest.status, again)) {
    throw nothingToRetry(`The replication of ${path} has not failed (${latest?.status ?? 'there is none'}).`);
  }
  const { version } = latest;
  const { position } = await api.store.append(
    replicationStream(path),
    [
      {
        type: 'ReplicationRetryRequested',
        id: newEventId(),
        data: { path, version },
        metadata: metadataOf(request, api.clock),
      },
    ],
    'any',
  );
  return { path, version, position };
}

/** What is queued is about to be tried anyway. */
const canBeAsked = (status: ReplicationStatus, again: boolean): boolean =>
  status === 'dead-letter' || status === 'failed' || (again && status === 'success');

const nothingToRetry = (why: string): HoldfastError =>
  new HoldfastError(
    'NOTHING_TO_RETRY',
    `${why} GET /v1/replications?status=dead-letter lists what was given up.`,
  );
