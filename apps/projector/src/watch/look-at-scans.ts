import type { CatalogScan, ScansQuestion } from '@holdfast/catalog';
import type { ScanKind } from '@holdfast/domain';
import type { Finding, Lookout } from '@holdfast/health';
import { AS_GOOD_AS } from '../drift/as-good-as.ts';

export interface ScanSchedule {
  readonly kind: ScanKind;
  /** When it was to begin last, before this instant; null: never yet. */
  readonly dueBefore: (instant: Date) => Date | null;
}

/** A scan of many documents may take so long, behind another one. */
const GRACE_MS = 2 * 3_600_000;

/**
 * Whether scans are made when they are to be: SCAN_OVERDUE where the last one that was due some hours ago has not
 * been completed.
 * @param options.scans  newest first
 * @param options.since  of this process: where none was ever made, nobody knows whether what was due before is missed
 */
export const lookAtScans = (options: {
  node: string;
  schedules: readonly ScanSchedule[];
  scans: (question: ScansQuestion) => readonly CatalogScan[];
  since: Date;
  now: () => Date;
}): Lookout => ({
  what: 'the scans',
  everyMs: 60_000,
  look: () => {
    const { node, schedules, since, now } = options;
    // For each kind alone: there may be any number of lesser ones since.
    const newest = (kind: ScanKind): readonly CatalogScan[] =>
      options.scans({ node, kind, state: 'completed', limit: 1 });
    return schedules.flatMap(({ kind, dueBefore }): Finding[] => {
      const which = { code: 'SCAN_OVERDUE', subject: `${node}/${kind}` } as const;
      const due = dueBefore(new Date(now().getTime() - GRACE_MS));
      const made = AS_GOOD_AS[kind].flatMap(newest).map(({ startedAt }) => startedAt);
      const lastAt = made.sort().at(-1) ?? null;
      const isMade = lastAt !== null && due !== null && Date.parse(lastAt) >= due.getTime();
      if (due === null || isMade) return [{ ...which, problem: null }];
      if (lastAt === null && due < since) return [];
      const message = `The ${kind} scan of ${node} that was due at ${due.toISOString()} has not been completed; the last one ${lastAt === null ? 'is not on record' : `began at ${lastAt}`}. What differs meanwhile is not found. "holdfast verify${kind === 'quick' ? '' : ` --${kind}`}" makes one now and says what is in the way.`;
      const details = { kind, dueAt: due.toISOString(), lastAt };
      return [{ ...which, problem: { severity: 'warning', message, details } }];
    });
  },
});
