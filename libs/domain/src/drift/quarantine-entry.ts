import { z } from 'zod';
import { instantSchema, sha256Schema } from '../event-definition.ts';

/** What a repair moved away from the live files, as it stands in the list of the quarantine. */
export const quarantineEntrySchema = z.object({
  id: z.uuid(),
  /** Where it was, below the content directory; a directory's ends in `/`. */
  path: z.string().min(1),
  /** Where it is, below the quarantine. */
  file: z.string().min(1),
  movedAt: instantSchema,
  /** The scan that found it. */
  scanId: z.string(),
  bytes: z.int().min(0),
  sha256: sha256Schema.nullable(),
});
export type QuarantineEntry = z.infer<typeof quarantineEntrySchema>;

/** One line of the list, written before what it says is done: something is moved there, or back by a job. */
export const quarantineLineSchema = z.union([
  z.object({ moved: quarantineEntrySchema }),
  z.object({ restored: z.object({ id: z.uuid(), at: instantSchema, job: z.string().optional() }) }),
]);
export type QuarantineLine = z.infer<typeof quarantineLineSchema>;
