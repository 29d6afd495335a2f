import type { Mode, ProbeSample } from '@holdfast/domain';

/** What one probe of the CDN came to. */
export interface Sample {
  /** When it began. */
  readonly at: Date;
  readonly isGood: boolean;
  /** For people: `good after 23 ms`, `answered 503`. */
  readonly outcome: string;
}

export interface FailoverFacts {
  /** Since the mode last changed, oldest first; those before the last `SAMPLES_KEPT` do not count. */
  readonly samples: readonly Sample[];
  readonly mode: Pick<Mode, 'localFallback' | 'pinned'>;
  /** When a probe switched the fallback on that is on now; null where an operator did, or nobody. */
  readonly failedOverAt: Date | null;
  readonly now: Date;
}

export interface FailoverDecision {
  readonly localFallback: boolean;
  readonly reason: string;
  /** What speaks for it. */
  readonly probes: readonly ProbeSample[];
}

const WINDOW = 5;
const BAD_TO_SWITCH = 3;
const GOOD_TO_RETURN = 10;
const MIN_STAY_MS = 60_000;
/** What a decision looks at, at most. */
export const SAMPLES_KEPT = GOOD_TO_RETURN;

/**
 * Whether readers are to be sent to the local origin, or back to the CDN: 3 bad samples of the last 5 switch the
 * fallback on; 10 good ones in a row switch it off, a minute after it was switched on at the earliest, and only
 * where a probe had switched it on.
 * @returns null where all stays as it is; the reason has at most 1,000 characters
 */
export function decideFailover(facts: FailoverFacts): FailoverDecision | null {
  const { samples, mode, failedOverAt, now } = facts;
  if (mode.pinned) return null;
  if (!mode.localFallback) {
    const window = samples.slice(-WINDOW);
    const bad = window.filter(({ isGood }) => !isGood).length;
    if (bad < BAD_TO_SWITCH) return null;
    return {
      localFallback: true,
      reason: `${bad} of the last ${window.length} probes of the CDN failed: ${describe(window)}`,
      probes: window.map(recordProbe),
    };
  }
  if (failedOverAt === null || now.getTime() - failedOverAt.getTime() < MIN_STAY_MS) return null;
  const row = samples.slice(-GOOD_TO_RETURN);
  if (row.length < GOOD_TO_RETURN || row.some(({ isGood }) => !isGood)) return null;
  return {
    localFallback: false,
    reason: `The last ${GOOD_TO_RETURN} probes of the CDN succeeded: ${describe(row)}`,
    probes: row.map(recordProbe),
  };
}

const MAX_OUTCOME_CHARS = 80;

const describe = (samples: readonly Sample[]): string =>
  samples
    .map(({ at, outcome }) => `${at.toISOString().slice(11, 19)} ${outcome.slice(0, MAX_OUTCOME_CHARS)}`)
    .join('; ');

const recordProbe = ({ at, isGood, outcome }: Sample): ProbeSample => ({
  at: at.toISOString(),
  isGood,
  outcome: outcome.slice(0, MAX_OUTCOME_CHARS),
});
