import { z } from 'zod';
import { instantSchema } from '../event-definition.ts';

/** Parameters of each kind of job, as they stand in `JobRequested`. */
export const replayParametersSchema = z.object({
  /** Replay the log up to this position, or up to what was appended by this instant; null: all of it. */
  until: z.union([z.object({ position: z.string() }), z.object({ instant: instantSchema })]).nullable(),
  /** Only paths that begin so; null: all. */
  prefix: z.string().nullable(),
  /** An absolute directory on the node, to be made or empty; null: a new generation that becomes the live one. */
  out: z.string().nullable(),
});
export type ReplayParameters = z.infer<typeof replayParametersSchema>;

export const directoryDeletionParametersSchema = z.object({
  directory: z.string(),
  reason: z.string(),
  /** What was published after this position stays. */
  position: z.string(),
});
export type DirectoryDeletionParameters = z.infer<typeof directoryDeletionParametersSchema>;
