import { z } from 'zod';
import { defineEvent } from '../event-definition.ts';

/** Conditions that people are told of while they last. */
export const ALERT_CODES = [
  'DISK_LOW',
  'DRIFT_FOUND',
  'REPLICATION_DEAD_LETTERED',
  'CDN_UNREACHABLE',
  'PROJECTOR_STALLED',
  'EVENT_STORE_UNREACHABLE',
  'SCAN_OVERDUE',
  'PURGE_FAILING',
  'FAILED_OVER',
  'LOG_MISMATCH',
  'NODE_SILENT',
] as const;
export type AlertCode = (typeof ALERT_CODES)[number];

export const ALERT_SEVERITIES = ['warning', 'critical'] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

export const MAX_ALERT_MESSAGE_CHARS = 2_000;

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
      severity: z.enum(ALERT_SEVERITIES),
      message: z.string().max(MAX_ALERT_MESSAGE_CHARS),
      details: z.record(z.string(), z.json()),
    }),
  }),
  AlertCleared: defineEvent({
    v: 1,
    schema: z.object({ ...subjectSchema, message: z.string().max(MAX_ALERT_MESSAGE_CHARS) }),
  }),
};

export const alertStream = (code: AlertCode, subject: string): string => `alert-${code}-${subject}`;
