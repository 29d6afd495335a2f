import { z } from 'zod';
import { defineEvent, countsSchema } from '../event-definition.ts';

/** What runs in the background on a node, can be watched and survives a crash. */
export const JOB_KINDS = ['replay', 'directory-deletion', 'retry-all', 'scan', 'quarantine-restore'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export const jobEvents = {
  JobRequested: defineEvent({
    v: 1,
    schema: z.object({
      kind: z.enum(JOB_KINDS),
      /** The node whose projector runs it. */
      node: z.string().min(1).max(200),
      /** As its kind needs them; checked again by the job that reads them. */
      parameters: z.record(z.string(), z.json()),
    }),
  }),
  JobProgressed: defineEvent({
    v: 1,
    schema: z.object({ phase: z.string().max(100), done: z.int().min(0), total: z.int().min(0).nullable() }),
  }),
  JobFinished: defineEvent({
    v: 1,
    schema: z.object({
      outcome: z.enum(['succeeded', 'failed']),
      counts: countsSchema,
      error: z.object({ code: z.string().max(100), message: z.string().max(2000) }).nullable(),
    }),
  }),
};

export const jobStream = (jobId: string): string => `job-${jobId}`;
