/** The two places that are compared with the log. */
export const DRIFT_SIDES = ['local', 'cdn'] as const;
export type DriftSide = (typeof DRIFT_SIDES)[number];

/**
 * What a comparison comes to, per side:
 *
 * - `same`: as the log wants it.
 * - `missing`: the log wants it, and it is not there.
 * - `orphan`: it is there, and the log does not want it (in the bucket: and we put it there).
 * - `different`: it is there, but other than the log wants it.
 * - `unreadable`: it could not be checked, which is never fine.
 * - `foreign`: in the bucket, not wanted by the log, and not ours; it is told, and left alone.
 */
export const DRIFT_OUTCOMES = ['same', 'missing', 'orphan', 'different', 'unreadable', 'foreign'] as const;
export type DriftOutcome = (typeof DRIFT_OUTCOMES)[number];

/**
 * Why a difference is none: the side is behind (`lagging`), the path changed while it was compared (`moving`), or a
 * dead letter says already that it will not come (`givenUp`).
 */
export const UNSETTLED_STATES = ['lagging', 'moving', 'givenUp'] as const;
export type UnsettledState = (typeof UNSETTLED_STATES)[number];

/** Of what a finding is: a document's bytes, what lies beside it, or how it is stored. */
export const FINDING_SUBJECTS = [
  'document',
  'previous',
  'temporary',
  'directory',
  'link',
  'file',
  'mode',
  'metadata',
  'listing',
] as const;
export type FindingSubject = (typeof FINDING_SUBJECTS)[number];

/** One difference: confirmed, so looked at twice. */
export interface Finding {
  readonly side: DriftSide;
  readonly outcome: Exclude<DriftOutcome, 'same'>;
  /** A content path, the path of a file below the content directory (directories end in `/`), or a key; `''`: all of the side. */
  readonly path: string;
  readonly subject: FindingSubject;
  /** What the log wants: a SHA-256, or words; null: nothing. */
  readonly expected: string | null;
  /** What is there: a SHA-256, an ETag, or words; null: nothing. */
  readonly found: string | null;
}

export type LocalCounts = Record<Exclude<DriftOutcome, 'foreign'> | UnsettledState, number>;
export type CdnCounts = Record<DriftOutcome | UnsettledState, number>;
export interface DriftCounts {
  readonly local: LocalCounts;
  readonly cdn: CdnCounts;
}

export const noLocalCounts = (): LocalCounts => ({
  same: 0,
  missing: 0,
  orphan: 0,
  different: 0,
  unreadable: 0,
  lagging: 0,
  moving: 0,
  givenUp: 0,
});
export const noCdnCounts = (): CdnCounts => ({ ...noLocalCounts(), foreign: 0 });

const DRIFT = ['missing', 'orphan', 'different', 'unreadable'] as const;

/** How many differences an operator should know of; foreign objects are nobody's drift. */
export const countDrift = (counts: DriftCounts): number =>
  DRIFT.reduce((sum, outcome) => sum + counts.local[outcome] + counts.cdn[outcome], 0);

export const isDrift = ({ outcome }: Pick<Finding, 'outcome'>): boolean => outcome !== 'foreign';
