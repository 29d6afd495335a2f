import {
  type ContentPath,
  contentDecider,
  contentStream,
  derivedEventId,
  type EventOf,
  findEarlierDelivery,
  HoldfastError,
  idempotencyKeyReused,
  isOlderThanADay,
  jobStream,
  parseDirectory,
} from '@holdfast/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { actorOf, type Api, type ApiServer } from '../api.ts';
import { metadataOf } from '../command-metadata.ts';
import { type PathRequest, pathOf } from '../content-path.ts';
import { waitedSchema, waitForDelivery, waitQuery } from '../delivery-wait.ts';
import { jobSchema } from '../job-view.ts';
import { readIdempotencyKey, readPrecondition } from '../preconditions.ts';
import { problemResponse, requestInvalid } from '../problems.ts';
import { reasonQuery } from '../query.ts';
import { requestJob, requireJob } from '../request-job.ts';

const querySchema = z.strictObject({ ...waitQuery, reason: reasonQuery });
type DeleteRequest = FastifyRequest<PathRequest & { Querystring: z.infer<typeof querySchema> }>;

export const deleteAnswerSchema = z.object({
  path: z.string(),
  version: z.int().meta({ description: 'Of the deletion' }),
  position: z.string(),
  unchanged: z.boolean().meta({ description: 'It was deleted already; nothing was appended' }),
  waited: waitedSchema,
});

export function deleteContent(app: ApiServer, api: Api): void {
  app.delete<PathRequest & { Querystring: z.infer<typeof querySchema> }>(
    '/v1/content/*',
    {
      schema: {
        tags: ['content'],
        summary: 'Delete a document, or a directory (trailing slash)',
        description:
          'A path that ends in `/` deletes everything below it as it is now: the answer is 202 and a job. A document honours `If-Match: "<version>"`; both honour `Idempotency-Key`.',
        querystring: querySchema,
        response: {
          200: deleteAnswerSchema,
          202: z.union([deleteAnswerSchema, jobSchema]),
          default: problemResponse,
        },
      },
    },
    (request, reply) =>
      request.params['*'].endsWith('/')
        ? deleteDirectory(api, request, reply)
        : deleteDocument(api, request, reply),
  );
}

async function deleteDocument(api: Api, request: DeleteRequest, reply: FastifyReply): Promise<FastifyReply> {
  const path = pathOf(request, api);
  const precondition = readPrecondition(request);
  const { reason } = request.query;
  api.requireWritable();
  const handled = await api.commands.handle(
    contentStream(path),
    contentDecider,
    { type: 'DeleteContent', path, reason, directory: null, precondition },
    { metadata: metadataOf(request, api.clock), ...repeatable(request, api, path) },
  );
  const { version, position } = handled;
  if (version === null || position === null) throw new Error(`${path} has no version after its deletion`);
  await api.catalog.reached(position);
  const waited = await waitForDelivery(api, { path, version, position }, request.query, request.signal);
  api.metrics.documents.inc({ outcome: handled.appended ? 'deleted' : 'unchanged' });
  return reply
    .code(waited?.reached === false ? 202 : 200)
    .send({ path, version, position, unchanged: !handled.appended, waited });
}

function repeatable(request: DeleteRequest, api: Api, path: ContentPath) {
  const key = readIdempotencyKey(request);
  if (key === null) return {};
  const eventId = derivedEventId(actorOf(request), 'DELETE /v1/content', path, key);
  const replayed = async (): Promise<EventOf<'ContentDeleted'> | null> => {
    const stream = contentStream(path);
    const first = await findEarlierDelivery<'ContentDeleted'>(api.store, stream, eventId, api.clock.now());
    if (first !== null && first.data.reason !== request.query.reason) throw idempotencyKeyReused(path);
    return first;
  };
  return { eventId, replayed };
}

/** What is published after the position the job covers stays. */
async function deleteDirectory(api: Api, request: DeleteRequest, reply: FastifyReply): Promise<FastifyReply> {
  const directory = parseDirectory(request.params['*'], api.settings.pathRules);
  const { ifMatch, ifNoneMatch } = readPrecondition(request);
  if (ifMatch !== null || ifNoneMatch) throw requestInvalid('A directory has no version to be matched.');
  if (request.query.wait !== undefined) {
    throw requestInvalid('The deletion of a directory is a job; watch it at /v1/jobs/<id>.');
  }
  api.requireWritable();
  const { reason } = request.query;
  const key = readIdempotencyKey(request);
  const named =
    key === null ? undefined : derivedEventId(actorOf(request), 'DELETE /v1/content', directory, key);
  const jobId = named === undefined ? undefined : await freshJobId(api, named);
  const first = jobId === undefined ? null : await findFirstJob(api, jobId, directory, reason);
  const job = first ?? (await requestDeletion());
  return reply.code(202).header('location', `/v1/jobs/${job.id}`).send(job);

  async function requestDeletion() {
    if (api.catalog.documents({ prefix: directory, after: null, limit: 1 }).length === 0) {
      throw new HoldfastError('CONTENT_NOT_FOUND', `Nothing was ever published below ${directory}.`, {
        context: { path: directory },
      });
    }
    const position = await api.store.head();
    const parameters = { directory, reason, position };
    return requestJob(api, request, { kind: 'directory-deletion', parameters }, jobId);
  }
}

/** The same key counts for a day; after that it names another job. */
async function freshJobId(api: Api, named: string): Promise<string> {
  for (let jobId = named; ; jobId = derivedEventId('after a day', jobId)) {
    const [first] = await api.store.readStream(jobStream(jobId), { maxCount: 1 });
    if (first === undefined || !isOlderThanADay(first, api.clock.now())) return jobId;
  }
}

/** The job of an earlier delivery of the same request. */
async function findFirstJob(api: Api, jobId: string, directory: string, reason: string) {
  const [first] = await api.store.readStream(jobStream(jobId), { maxCount: 1 });
  if (first?.type !== 'JobRequested') return null;
  if (first.data.parameters['reason'] !== reason) throw idempotencyKeyReused(directory);
  await api.catalog.reached(first.position);
  return requireJob(api, jobId);
}
