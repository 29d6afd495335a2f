import { z } from 'zod';

/** One event's shape: its current version, its schema, and how older shapes become the next one. */
export interface EventDefinition<Schema extends z.ZodType = z.ZodType> {
  readonly v: number;
  readonly schema: Schema;
  /** By the version they start from: `{ 1: (v1) => v2 }`. */
  readonly upcasters?: Readonly<Record<number, (older: unknown) => unknown>>;
}

export const defineEvent = <Schema extends z.ZodType>(
  definition: EventDefinition<Schema>,
): EventDefinition<Schema> => definition;

/** An ISO instant in UTC. */
export const instantSchema = z.iso.datetime();
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
export const md5Schema = z.string().regex(/^[0-9a-f]{32}$/);
export const versionSchema = z.int().min(0);
export const countsSchema = z.record(z.string(), z.number());
