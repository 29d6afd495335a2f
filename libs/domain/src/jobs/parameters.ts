import { z } from 'zod';
import { REPAIRS, SCAN_KINDS, SCAN_SIDES } from '../drift/events.ts';
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

export const scanParametersSchema = z.object({
  kind: z.enum(SCAN_KINDS),
  repair: z.enum(REPAIRS),
  sides: z.enum(SCAN_SIDES).default('both'),
  /** So many orphans may go, on each side, though they are more than the settings allow; null: nobody said so. */
  confirmedOrphans: z.int().min(0).nullable(),
});
export type ScanParameters = z.infer<typeof scanParametersSchema>;

export const restoreParametersSchema = z.object({
  /** Of the entry in the list of the quarantine. */
  id: z.string().max(100),
});
export type RestoreParameters = z.infer<typeof restoreParametersSchema>;
