import type { CatalogJob } from '@holdfast/catalog';
import { JOB_KINDS } from '@holdfast/domain';
import { z } from 'zod';

export const jobSchema = z
  .object({
    id: z.string(),
    kind: z.enum(JOB_KINDS),
    /** The node whose projector runs it. */
    node: z.string(),
    parameters: z.record(z.string(), z.json()),
    state: z.enum(['requested', 'running', 'succeeded', 'failed']),
    position: z.string(),
    requestedAt: z.string(),
    requestedBy: z.string(),
    finishedAt: z.string().nullable(),
    progress: z.object({ phase: z.string(), done: z.int(), total: z.int().nullable() }).nullable(),
    counts: z.record(z.string(), z.number()),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ description: 'What runs in the background, survives a crash and can be watched' });
export type JobView = z.infer<typeof jobSchema>;

export const viewJob = ({ actor, ...job }: CatalogJob): JobView => ({ ...job, requestedBy: actor });
