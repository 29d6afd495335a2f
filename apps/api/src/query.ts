import { z } from 'zod';

/** Query parameters arrive as text; these check it and make of it what the routes want. */

export const flagQuery = z.enum(['true', 'false']).transform((text) => text === 'true');

export const limitQuery = (fallback: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= max, `is not between 1 and ${max}`)
    .default(fallback)
    .meta({ description: `1 to ${max}; ${fallback} when absent` });

/** An ISO instant with its offset from UTC. */
export const instantQuery = z.iso
  .datetime({ offset: true, error: 'is not an instant such as 2026-01-31T12:00:00Z' })
  .transform((text) => new Date(text));

/** Cursors are opaque to clients, so that what they hold may change. */
export const encodeCursor = (after: string): string => Buffer.from(after).toString('base64url');

export const cursorQuery = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,2000}$/, 'is not a cursor that this server gave')
  .transform((cursor) => Buffer.from(cursor, 'base64url').toString())
  .meta({ description: '`next` of the page before' });

export const reasonQuery = z.string().max(1000).default('');
