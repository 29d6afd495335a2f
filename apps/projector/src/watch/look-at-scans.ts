import type { CatalogScan } from '@holdfast/catalog';
import type { ScanKind } from '@holdfast/domain';
import type { Finding, Lookout } from '@holdfast/health';

export interface ScanSchedule {
  readonly kind: ScanKind;
  /** When it was to begin last, before this instant; null: never yet. */
  readonly dueBefore: (instant: Date) => Date | null;
}

/** A scan of many documents may take so long, behind another one. */
const GRACE_MS = 2 * 3_600_000;
/** Which scans do what a scan of this kind would do, itself included. */
const AS_GOOD_AS: Readonly<Record<ScanKind, readonly ScanKind[]>> = {
  quick: ['quick', 'full', 'deep'],
  full: ['full', 'deep'],
  deep: ['deep'],
};
const SCANS_LOOKED_AT = 100;

/**
 * Whether scans are made when they are to be: SCAN_OVERDUE where the last one that was due some hours ago has not
 * been completed.
 * @param options.since  of this process: where no scan was ever made, what was due before is not missed
 */
export const lookAtScans = (options: {
  node: string;
  schedules: readonly ScanSchedule[];
  scans: (question: { node: string; state: 'completed'; limit: number }) => readonly CatalogScan[];
  since: Date;
  now: () => Date;
}): Lookout => ({
  what: 'the scans',
  everyMs: 60_000,
  look: () => {
    const { node, schedules, since, now } = options;
    const completed = options.scans({ node, state: 'completed', limit: SCANS_LOOKED_AT });
    return schedules.map(({ kind, dueBefore }): Finding => {
      const which = { code: 'SCAN_OVERDUE', subject: `${node}/${kind}` } as const;
      const due = dueBefore(new Date(now().getTime() - GRACE_MS));
      const last = completed.find((scan) => AS_GOOD_AS[kind].includes(scan.kind));
      const isMade = last !== undefined && due !== null && Date.parse(last.startedAt) >= due.getTime();
      const isFirst = completed.length === 0 && due !== null && due < since;
      if (due === null || isFirst || isMade) return { ...which, problem: null };
      const lastAt = last?.startedAt ?? null;
      const message = `The ${kind} scan of ${node} that was due at ${due.toISOString()} has not been completed; the last one ${lastAt === null ? 'is not on record' : `began at ${lastAt}`}. What differs meanwhile is not found. "holdfast verify${kind === 'quick' ? '' : ` --${kind}`}" makes one now and says what is in the way.`;
      const details = { kind, dueAt: due.toISOString(), lastAt };
      return { ...which, problem: { severity: 'warning', message, details } };
    });
  },
});
