import { baseUrlSchema, type Mode, MODE_STREAM, modeDecider } from '@holdfast/domain';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { metadataOf } from '../command-metadata.ts';
import { modeSchema, viewMode } from '../mode-view.ts';
import { problemResponse, requestInvalid } from '../problems.ts';

const baseUrl = z
  .string()
  .max(2000)
  .transform((text, context) => {
    const parsed = URL.canParse(text) ? baseUrlSchema.safeParse(text) : null;
    if (parsed?.success === true) return parsed.data;
    context.addIssue('is no absolute http(s) URL without query, fragment and password');
    return z.NEVER;
  })
  .nullable()
  .optional()
  .meta({ description: 'null: the environment of each node decides' });

const requestSchema = z.strictObject({
  cdnEnabled: z.boolean().optional(),
  localFallback: z.boolean().optional(),
  pinned: z.boolean().optional(),
  cdnBaseUrl: baseUrl,
  localBaseUrl: baseUrl,
  reason: z.string().trim().min(1, 'says why, for those who ask later').max(1000),
});

export const changedModeSchema = modeSchema.extend({
  unchanged: z.boolean().meta({ description: 'The mode was so already; nothing was appended' }),
});

export function changeMode(app: ApiServer, api: Api): void {
  app.put(
    '/v1/mode',
    {
      schema: {
        tags: ['urls and mode'],
        summary: 'Change where readers are sent: any of the fields, with a reason',
        body: requestSchema,
        response: { 200: changedModeSchema, default: problemResponse },
      },
    },
    async (request) => {
      const { reason, ...fields } = request.body;
      const changes = Object.fromEntries(
        Object.entries(fields).filter(([, value]) => value !== undefined),
      ) as Partial<Mode>;
      if (Object.keys(changes).length === 0) {
        throw requestInvalid('Nothing is to be changed: give at least one field besides the reason.');
      }
      api.requireWritable();
      const handled = await api.commands.handle(
        MODE_STREAM,
        modeDecider,
        { type: 'ChangeMode', changes, cause: 'operator', reason },
        { metadata: metadataOf(request, api.clock) },
      );
      // Also where it is so already: by a change perhaps that this process has yet to hear of.
      if (handled.position !== null) {
        await api.modeWatch.reached(handled.position);
        await api.catalog.reached(handled.position);
      }
      return { ...viewMode(api), unchanged: !handled.appended };
    },
  );
}
