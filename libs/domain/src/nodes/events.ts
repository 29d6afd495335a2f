import { z } from 'zod';
import { defineEvent, instantSchema } from '../event-definition.ts';

export const PROJECTOR_STATES = [
  'starting',
  'standing-by',
  'running',
  'paused',
  'waiting',
  'stopped',
] as const;

export const MAX_REASON_CHARS = 2_000;

export const nodeEvents = {
  /** A node's projectors and disks, every few seconds; only the latest is kept. */
  NodeReported: defineEvent({
    v: 1,
    schema: z.object({
      node: z.string().min(1).max(200),
      version: z.string().max(100),
      runtime: z.string().max(100),
      startedAt: instantSchema,
      /** The next report is due after this many seconds; a node silent for three of them is not well. */
      intervalSeconds: z.number().positive(),
      projectors: z.array(
        z.object({
          name: z.enum(['local', 'cdn', 'drift', 'purge']),
          /** standing-by: another process does the work; running: works; paused: the mode says so; waiting: cannot go on by itself (see reason); stopped: gave up. */
          state: z.enum(PROJECTOR_STATES),
          reason: z.string().max(MAX_REASON_CHARS).nullable(),
          checkpoint: z.string().nullable(),
          /** Paths it has yet to settle. */
          pending: z.int().min(0),
          oldestPendingAt: instantSchema.nullable(),
        }),
      ),
      disks: z.array(
        z.object({ name: z.string().max(100), freeBytes: z.number().min(0), totalBytes: z.number().min(0) }),
      ),
      memoryBytes: z.number().min(0),
      /** The ways in which its projectors' process tells of alerts; absent in reports of older versions. */
      notifiers: z
        .array(
          z.object({
            name: z.string().max(500),
            waiting: z.int().min(0),
            oldestWaitingAt: instantSchema.nullable(),
            failingSince: instantSchema.nullable(),
            error: z.object({ code: z.string(), message: z.string() }).nullable(),
          }),
        )
        .optional(),
    }),
  }),
  /** An operator's word that the node is gone for good; its next report takes it back. */
  NodeRetired: defineEvent({
    v: 1,
    schema: z.object({ node: z.string().min(1).max(200), reason: z.string().max(1000) }),
  }),
};

export const nodeStream = (node: string): string => `node-${node}`;
