import { HoldfastError, isPositionAtOrAfter, type Position, type ReplayParameters } from '@holdfast/domain';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { jobSchema } from '../job-view.ts';
import { problemResponse, requestInvalid } from '../problems.ts';
import { requestJob } from '../request-job.ts';

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());

const requestSchema = z.strictObject({
  until: z
    .union([z.strictObject({ position: z.string().max(100) }), z.strictObject({ instant })])
    .optional()
    .meta({ description: 'The content as it was then; wants `out`' }),
  prefix: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta({ description: 'Only paths that begin so; wants `out`' }),
  out: z.string().min(1).max(4096).optional().meta({
    description: 'An absolute directory on this node, to be made or empty; absent: a new live generation',
  }),
});

export function replay(app: ApiServer, api: Api): void {
  app.post(
    '/v1/replays',
    {
      schema: {
        tags: ['operation'],
        summary: 'Build the content again from the log, as a job of this node',
        body: requestSchema,
        response: { 202: jobSchema, default: problemResponse },
      },
    },
    async (request, reply) => {
      const { until = null, prefix = null, out = null } = request.body;
      if (out === null && (until !== null || prefix !== null)) {
        throw requestInvalid(
          'A replay of a part, or of an earlier moment, does not become the live content: name a directory in "out".',
        );
      }
      if (out !== null && !isAbsolute(out)) {
        throw new HoldfastError(
          'OUT_DIRECTORY_INVALID',
          `The directory ${JSON.stringify(out.slice(0, 300))} is not absolute; the server does not know where you are.`,
          { context: { out: out.slice(0, 300) } },
        );
      }
      if (until !== null && 'position' in until) requirePosition(until.position, await api.store.head());
      api.requireWritable();
      const parameters: ReplayParameters = { until, prefix, out };
      const job = await requestJob(api, request, { kind: 'replay', parameters });
      return reply.code(202).header('location', `/v1/jobs/${job.id}`).send(job);
    },
  );
}

/** Positions are opaque: those of one log have one length, and none lies after its head. */
function requirePosition(position: Position, head: Position): void {
  if (position.length === head.length && isPositionAtOrAfter(head, position)) return;
  throw requestInvalid(
    `${JSON.stringify(position)} is no position of this log, whose last one is ${head}. Answers to publishes and the audit name them.`,
  );
}
