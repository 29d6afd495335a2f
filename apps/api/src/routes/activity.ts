import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { readRecentActivity } from '../live/recent-activity.ts';
import { problemResponse } from '../problems.ts';
import { limitQuery } from '../query.ts';

const countsSchema = z.object({
  published: z.int(),
  deleted: z.int(),
  replicated: z.int(),
  failed: z.int(),
  deadLettered: z.int(),
  replicationMs: z
    .object({ p50: z.number(), p99: z.number() })
    .nullable()
    .meta({ description: 'From publishing to the bucket; null: nothing arrived there' }),
});

export const activitySchema = z.object({
  now: z.string().meta({ description: 'By the clock of this node' }),
  seconds: z
    .array(countsSchema.extend({ at: z.string() }))
    .meta({ description: 'Those in which something happened, oldest first' }),
  recent: z
    .array(z.object({ type: z.string(), path: z.string(), version: z.int(), at: z.string() }))
    .meta({ description: 'The last 20, newest first' }),
  isComplete: z
    .boolean()
    .meta({ description: 'false: so much happened that only the last of it was counted' }),
});

export function activity(app: ApiServer, api: Api): void {
  app.get(
    '/v1/activity',
    {
      schema: {
        tags: ['operation'],
        summary: 'What happened to documents in the last seconds; `/v1/live` tells how it goes on',
        querystring: z.strictObject({ seconds: limitQuery(120, 600) }),
        response: { 200: activitySchema, default: problemResponse },
      },
    },
    async (request) => {
      const { store, clock, catalog } = api;
      const queuedAt = (path: string, version: number): string | null =>
        catalog.replication(path, version)?.queuedAt ?? null;
      const recent = await readRecentActivity({ store, clock, queuedAt }, request.query.seconds);
      return { now: clock.now().toISOString(), ...recent, seconds: [...recent.seconds] };
    },
  );
}
