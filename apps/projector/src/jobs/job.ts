import type { CatalogJob } from '@holdfast/catalog';
import { type EventData, type EventMetadata, type EventOf, HoldfastError } from '@holdfast/domain';

/** One run of a job: the first, or one that goes on after a crash. */
export interface JobRun {
  readonly job: CatalogJob;
  readonly requested: EventOf<'JobRequested'>;
  /** The process ends: leave the job as it is, the next start runs it again. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: EventData<'JobProgressed'>) => void;
}

/**
 * Does what a job is for. May run again after any crash, over what an earlier run has done.
 * @returns counts for its last event
 */
export type RunJob = (run: JobRun) => Promise<Record<string, number>>;

/** Metadata of what a job does: on behalf of who asked for it. */
export const metadataOf = ({ requested }: JobRun, now: Date): EventMetadata => ({
  correlationId: requested.metadata.correlationId,
  causationId: requested.id,
  actor: requested.metadata.actor,
  at: now.toISOString(),
  ...(requested.metadata.traceparent === undefined ? {} : { traceparent: requested.metadata.traceparent }),
});

interface Schema<Parameters> {
  safeParse(value: unknown): { success: true; data: Parameters } | { success: false; error: Error };
}

/** @throws REQUEST_INVALID */
export function readParameters<Parameters>({ job }: JobRun, schema: Schema<Parameters>): Parameters {
  const parsed = schema.safeParse(job.parameters);
  if (parsed.success) return parsed.data;
  throw new HoldfastError(
    'REQUEST_INVALID',
    `The job ${job.id} (${job.kind}) was requested with parameters that it cannot have: ${parsed.error.message}`,
    { context: { job: job.id, parameters: job.parameters } },
  );
}
