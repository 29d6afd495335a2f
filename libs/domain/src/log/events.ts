import { z } from 'zod';
import { defineEvent } from '../event-definition.ts';

/** The stream whose first event names the log. */
export const LOG_STREAM = 'system-log';

export const logEvents = {
  /** The first event of every log: its identity, a random id stored in every generation, catalog and object. */
  LogCreated: defineEvent({ v: 1, schema: z.object({ logId: z.uuid() }) }),
  /** A piece of a body too large for its event; pieces lie in order in `body-<sha256>`. */
  BodyChunk: defineEvent({ v: 1, schema: z.object({ index: z.int().min(0), count: z.int().min(1) }) }),
};
