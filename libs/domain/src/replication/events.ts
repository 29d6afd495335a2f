import { z } from 'zod';
import { contentPathSchema } from '../content/events.ts';
import type { ContentPath } from '../content/path.ts';
import { defineEvent, instantSchema, sha256Schema, versionSchema } from '../event-definition.ts';

/** Put the document's bytes into the bucket, or delete its object. */
export const REPLICATION_ACTIONS = ['put', 'delete'] as const;
export type ReplicationAction = (typeof REPLICATION_ACTIONS)[number];

const attemptSchema = {
  path: contentPathSchema,
  /** The version of the document this is about. */
  version: versionSchema,
  action: z.enum(REPLICATION_ACTIONS),
};
const errorSchema = z.object({ code: z.string().max(100), message: z.string().max(2000) });

export const replicationEvents = {
  ContentReplicated: defineEvent({
    v: 1,
    schema: z.object({
      ...attemptSchema,
      /** Of the bytes sent; null for a delete. */
      sha256: sha256Schema.nullable(),
      /** What the bucket answered; null for a delete. */
      etag: z.string().max(200).nullable(),
      /** `storedMs` of the put; absent: not known, as for a delete, and for an object that was there already. */
      storedMs: z.int().min(0).optional(),
      /** 1 for the first. */
      attempt: z.int().min(1),
      durationMs: z.number().min(0),
    }),
  }),
  ReplicationFailed: defineEvent({
    v: 1,
    schema: z.object({
      ...attemptSchema,
      attempt: z.int().min(1),
      error: errorSchema,
      nextRetryAt: instantSchema,
      durationMs: z.number().min(0),
    }),
  }),
  /** All attempts of the schedule failed; an operator can ask for another round. */
  ReplicationDeadLettered: defineEvent({
    v: 1,
    schema: z.object({
      ...attemptSchema,
      attempts: z.int().min(1),
      error: errorSchema,
      /** Of the last attempt; absent in events of older programs. */
      durationMs: z.number().min(0).optional(),
    }),
  }),
  ReplicationRetryRequested: defineEvent({
    v: 1,
    schema: z.object({ path: contentPathSchema, version: versionSchema }),
  }),
};

export const replicationStream = (path: ContentPath): string => `replication-${path}`;
