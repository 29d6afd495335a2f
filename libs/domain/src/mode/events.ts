import { z } from 'zod';
import { defineEvent, instantSchema } from '../event-definition.ts';

export const MODE_STREAM = 'mode-delivery';

/** An absolute http(s) URL without query or fragment, kept without a trailing slash. */
export const baseUrlSchema = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !/[?#]/.test(text), 'has a query or a fragment')
  .refine((text) => {
    // Refinements run also on text that has already failed as a URL.
    const url = URL.parse(text);
    return url === null || (url.username === '' && url.password === '');
  }, 'has a user name or password')
  .transform((text) => text.replace(/\/+$/, ''));

const recordedBaseUrl = z.string().min(1).max(2000).nullable();

const causeSchema = z.enum(['operator', 'probe']);
export type ModeCause = z.infer<typeof causeSchema>;

const probeSchema = z.object({
  at: instantSchema,
  isGood: z.boolean(),
  /** For people: `good after 23 ms`, `answered 503`. */
  outcome: z.string().max(200),
});
export type ProbeSample = z.infer<typeof probeSchema>;

export const modeEvents = {
  /** Where readers are sent. A base URL of null means each node's own environment. */
  ModeChanged: defineEvent({
    v: 1,
    schema: z.object({
      cdnEnabled: z.boolean(),
      localFallback: z.boolean(),
      pinned: z.boolean(),
      cdnBaseUrl: recordedBaseUrl,
      localBaseUrl: recordedBaseUrl,
      cause: causeSchema,
      reason: z.string().max(1000),
      /** Who wants the fallback that is on; absent where it is off, and where a version before this field wrote it. */
      fallbackBy: causeSchema.optional(),
      /** What a probe's switch was decided by, oldest first. */
      probes: z.array(probeSchema).max(20).optional(),
    }),
  }),
};
