import type { ReplicationStatus } from '@holdfast/catalog';
import { HoldfastError, newEventId, parsePath, replicationStream } from '@holdfast/domain';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { metadataOf } from '../command-metadata.ts';
import { jobSchema } from '../job-view.ts';
import { problemResponse } from '../problems.ts';
import { requestJob } from '../request-job.ts';

const requestSchema = z.union([
  z.strictObject({
    path: z.string(),
    again: z.boolean().optional().meta({
      description: 'Also where it succeeded. Readers are sent to the local origin until it did once more',
    }),
  }),
  z.strictObject({ all: z.literal(true) }),
]);

export const retryAnswerSchema = z.object({ path: z.string(), version: z.int(), position: z.string() });

export function retryReplications(app: ApiServer, api: Api): void {
  app.post(
    '/v1/replications/retry',
    {
      schema: {
        tags: ['replication'],
        summary: 'Give dead letters another round of attempts',
        description:
          '`{ "path": "…" }`: one, which may also be failing still, and with `"again": true` one that succeeded; `{ "all": true }`: every dead letter and all that waits for its next retry, as a job (202).',
        body: requestSchema,
        response: { 200: retryAnswerSchema, 202: jobSchema, default: problemResponse },
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
      const path = parsePath(body.path, api.settings.pathRules);
      const [latest] = api.catalog.replications({ path, after: null, limit: 1 }).rows;
      if (latest === undefined || !canBeAsked(latest.status, body.again === true)) {
        throw nothingToRetry(
          `The replication of ${path} has not failed (${latest?.status ?? 'there is none'}).`,
        );
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
      await api.catalog.reached(position);
      return reply.send({ path, version, position });
    },
  );
}

/** What is queued is about to be tried anyway. */
const canBeAsked = (status: ReplicationStatus, again: boolean): boolean =>
  status === 'dead-letter' || status === 'failed' || (again && status === 'success');

const nothingToRetry = (why: string): HoldfastError =>
  new HoldfastError(
    'NOTHING_TO_RETRY',
    `${why} GET /v1/replications?status=dead-letter lists what was given up.`,
  );
