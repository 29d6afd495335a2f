import { z } from 'zod';
import { defineEvent } from '../event-definition.ts';

/** Conditions that people are told of while they last. */
export const ALERT_CODES = ['CDN_UNREACHABLE'] as const;
export type AlertCode = (typeof ALERT_CODES)[number];

const subjectSchema = {
  code: z.enum(ALERT_CODES),
  /** A node, a disk or a bucket; `-` where there is only one. */
  subject: z.string().min(1).max(200),
};

export const alertEvents = {
  AlertRaised: defineEvent({
    v: 1,
    schema: z.object({
      ...subjectSchema,
      severity: z.enum(['warning', 'critical']),
      message: z.string().max(2000),
      details: z.record(z.string(), z.json()),
    }),
  }),
  AlertCleared: defineEvent({
    v: 1,
    schema: z.object({ ...subjectSchema, message: z.string().max(2000) }),
  }),
};

export const alertStream = (code: AlertCode, subject: string): string => `alert-${code}-${subject}`;
