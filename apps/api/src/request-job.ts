import { HoldfastError, type JobKind, jobStream, newEventId } from '@holdfast/domain';
import type { FastifyRequest } from 'fastify';
import type { Api } from './api.ts';
import { metadataOf } from './command-metadata.ts';
import { type JobView, viewJob } from './job-view.ts';

/**
 * Notes the intent in the log; the projector of the node, which is this one if none is named, does the work.
 * @param jobId  derived from the request where a client may repeat it: then the first answer is given again
 */
export async function requestJob(
  api: Api,
  request: FastifyRequest,
  {
    kind,
    parameters,
    node = api.settings.node,
  }: { kind: JobKind; parameters: JobView['parameters']; node?: string | undefined },
  jobId: string = newEventId(),
): Promise<JobView> {
  const { position } = await api.store.append(
    jobStream(jobId),
    [
      {
        type: 'JobRequested',
        id: jobId,
        data: { kind, node, parameters },
        metadata: metadataOf(request, api.clock),
      },
    ],
    'none',
  );
  await api.catalog.reached(position);
  return requireJob(api, jobId);
}

/** @throws JOB_NOT_FOUND */
export function requireJob({ catalog }: Api, jobId: string): JobView {
  const job = catalog.job(jobId);
  if (job !== null) return viewJob(job);
  throw new HoldfastError(
    'JOB_NOT_FOUND',
    `There is no job ${jobId.slice(0, 100)}; GET /v1/jobs lists them.`,
    {
      context: { jobId: jobId.slice(0, 100) },
    },
  );
}
