import { ROLES } from '@holdfast/settings';
import { z } from 'zod';
import { actorOf, type Api, type ApiServer } from '../api.ts';
import { problemResponse } from '../problems.ts';

export const sessionSchema = z.object({
  tokens: z.boolean().meta({ description: 'Whether this server asks for tokens at all' }),
  name: z.string().meta({ description: 'The actor of what is done with this token' }),
  role: z.enum(ROLES),
});

export function session(app: ApiServer, api: Api): void {
  app.get(
    '/v1/session',
    {
      schema: {
        tags: ['operation'],
        summary: 'Who asks, and what they may do',
        response: { 200: sessionSchema, default: problemResponse },
      },
    },
    (request) => ({
      tokens: api.tokens !== null,
      name: actorOf(request),
      // Without tokens, whoever reaches the port may do everything.
      role: request.access?.role ?? ('operator' as const),
    }),
  );
}
