import { z } from 'zod';
import { defineEvent } from '../event-definition.ts';

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
      cause: z.enum(['operator', 'probe']),
      reason: z.string().max(1000),
    }),
  }),
};
