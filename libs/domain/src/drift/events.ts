import { z } from 'zod';
import { defineEvent, sha256Schema } from '../event-definition.ts';
import { DRIFT_OUTCOMES, DRIFT_SIDES, FINDING_SUBJECTS } from './outcome.ts';

/**
 * - `quick`: a random sample of what should exist, bytes hashed on both sides.
 * - `full`: everything, bytes hashed locally, the bucket's by what its listing says of them.
 * - `deep`: everything, and the bucket's bytes are downloaded and hashed too.
 */
export const SCAN_KINDS = ['quick', 'full', 'deep'] as const;
export type ScanKind = (typeof SCAN_KINDS)[number];

/**
 * - `restore`: what is missing or different is made again from the log, on both sides.
 * - `all`: orphans too, which are moved into quarantine locally and deleted from the bucket.
 */
export const REPAIRS = ['none', 'restore', 'all'] as const;
export type Repair = (typeof REPAIRS)[number];

export const DRIFT_ACTIONS = ['materialise', 'replicate', 'quarantine', 'delete', 'mode', 'none'] as const;
export type DriftAction = (typeof DRIFT_ACTIONS)[number];

/** What a scan compares with the log: `local` leaves out the bucket, which several machines share and one compares. */
export const SCAN_SIDES = ['both', 'local'] as const;
export type ScanSides = (typeof SCAN_SIDES)[number];

/** How many an event lists. */
export const MAX_LISTED_FINDINGS = 100;
/** How much of them its body has: more than ten thousand. Who lost a whole disk needs no copy of that in the log. */
export const MAX_FINDINGS_BYTES = 4 * 1024 * 1024;
const count = z.int().min(0);

export const findingSchema = z.object({
  side: z.enum(DRIFT_SIDES),
  outcome: z.enum(DRIFT_OUTCOMES).exclude(['same']),
  /** Of an orphan too, which may be called anything. */
  path: z.string().max(5000),
  subject: z.enum(FINDING_SUBJECTS),
  expected: z.string().max(2000).nullable(),
  found: z.string().max(2000).nullable(),
});

const localCountsSchema = z.object({
  same: count,
  missing: count,
  orphan: count,
  different: count,
  unreadable: count,
  lagging: count,
  moving: count,
  givenUp: count,
});
export const driftCountsSchema = z.object({
  local: localCountsSchema,
  cdn: localCountsSchema.extend({ foreign: count }),
});

/** Null where no root can be told: of a sample, or where some of the hashes are not known. */
const rootSchema = sha256Schema.nullable();
export const driftRootsSchema = z.object({ expected: rootSchema, local: rootSchema, cdn: rootSchema });

const scanSchema = {
  scanId: z.string().min(1).max(200),
  node: z.string().min(1).max(200),
  kind: z.enum(SCAN_KINDS),
};
const driftSchema = { ...scanSchema, ...findingSchema.shape };

export const driftEvents = {
  ScanStarted: defineEvent({
    v: 1,
    schema: z.object({
      ...scanSchema,
      /** The job it is part of. */
      jobId: z.string().min(1).max(200),
      repair: z.enum(REPAIRS),
      /** Of the log; what is compared is at least as new. */
      position: z.string(),
    }),
  }),
  ScanCompleted: defineEvent({
    v: 1,
    schema: z.object({
      ...scanSchema,
      position: z.string(),
      /** Absent: both. Where it left out the bucket, `counts.cdn` is all 0 and `roots.cdn` null. */
      sides: z.enum(SCAN_SIDES).optional(),
      counts: driftCountsSchema,
      roots: driftRootsSchema,
      /** Paths left out of all three roots, as they changed, were behind or given up. */
      unsettled: count,
      /**
       * All of them. Where there are more than are listed here, the event's body has them, one in a line, as many as fit
       * into `MAX_FINDINGS_BYTES`; `scans/<scanId>.ndjson` on the node has every one.
       */
      findingCount: count,
      findings: z.array(findingSchema).max(MAX_LISTED_FINDINGS),
      disk: z.object({ freeBytes: z.number().min(0), totalBytes: z.number().min(0) }).nullable(),
      durationMs: z.number().min(0),
    }),
  }),
  /** It did not come to its end, and says nothing about what it had not looked at. */
  ScanAborted: defineEvent({
    v: 1,
    schema: z.object({
      ...scanSchema,
      error: z.object({ code: z.string().max(100), message: z.string().max(2000) }),
    }),
  }),
  /** A path began to differ: once, until it is mended. */
  DriftDetected: defineEvent({ v: 1, schema: z.object(driftSchema) }),
  /** It does not differ any more; `none`: nobody here did anything. Its `node` is that of `DriftDetected`, whose scan it may not be. */
  DriftRepaired: defineEvent({
    v: 1,
    schema: z.object({ ...driftSchema, action: z.enum(DRIFT_ACTIONS) }),
  }),
};

export const driftStream = (node: string): string => `drift-${node}`;
