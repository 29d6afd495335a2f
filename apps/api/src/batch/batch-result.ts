import { z } from 'zod';

/** Lines of the answer to a batch. */

const succeededSchema = z.object({
  line: z.int().meta({ description: 'Number of the line in the request, 1 first' }),
  path: z.string(),
  ok: z.literal(true),
  action: z.enum(['published', 'deleted', 'unchanged']),
  /** In a dry run the version before the change; null where there is none. */
  version: z.int().nullable(),
  position: z.string().nullable(),
  sha256: z.string().optional(),
  warnings: z.array(z.string()).optional(),
});

const failedSchema = z.object({
  line: z.int(),
  path: z.string().nullable().meta({ description: 'null: the line is too broken to say' }),
  ok: z.literal(false),
  code: z.string(),
  detail: z.string(),
});

export const batchResultSchema = z.discriminatedUnion('ok', [succeededSchema, failedSchema]);

export const batchDoneSchema = z.object({
  done: z.literal(true),
  dryRun: z.boolean(),
  published: z.int(),
  unchanged: z.int(),
  deleted: z.int(),
  failed: z.int(),
  position: z.string().nullable().meta({ description: 'The last of this batch; null: nothing was appended' }),
});

export type BatchResult = z.infer<typeof batchResultSchema>;
export type BatchDone = z.infer<typeof batchDoneSchema>;
