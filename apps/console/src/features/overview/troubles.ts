import type { Alert, HealthAnswer } from '@holdfast/api/types';

export type TroublePage = '/mode' | '/replications' | '/drift' | '/alerts';

export interface Trouble {
  readonly code: string;
  /** One for each node, disk or bucket that it is so for. */
  readonly details: readonly string[];
  readonly isSevere: boolean;
  /** Where something can be done about it. */
  readonly page: TroublePage;
}

/** Two words for one thing: a condition of a node, and the alert that is raised for it. */
const SAME: Readonly<Record<string, string>> = {
  REPLICATION_DEAD_LETTERED: 'DEAD_LETTERS',
  DISK_LOW: 'DISK_FULL',
};
const sameAs = (code: string): string => SAME[code] ?? code;

/** The projector waits because the bucket is away: the alert of the bucket says it. */
const isImplied = (code: string, detail: string, alerts: readonly Pick<Alert, 'code'>[]): boolean =>
  code === 'PROJECTOR_WAITING' &&
  detail.startsWith('The cdn projector') &&
  alerts.some((alert) => alert.code === 'CDN_UNREACHABLE');

const PAGES: Readonly<Record<string, TroublePage>> = {
  DEAD_LETTERS: '/replications',
  REPLICATION_DEAD_LETTERED: '/replications',
  CDN_UNREACHABLE: '/mode',
  FAILED_OVER: '/mode',
  MODE_STALE: '/mode',
  DRIFT_FOUND: '/drift',
  SCAN_OVERDUE: '/drift',
};

export const pageOf = (code: string): TroublePage => PAGES[code] ?? '/alerts';

/** Everything somebody should look at, the worst first, each named once. */
export function findTroubles(
  { reasons, warnings }: Pick<HealthAnswer, 'reasons' | 'warnings'>,
  alerts: readonly Pick<Alert, 'code' | 'message' | 'severity'>[],
): Trouble[] {
  const conditions = [
    ...reasons.map((reason) => ({ ...reason, isSevere: true })),
    ...warnings.map((reason) => ({ ...reason, isSevere: isCritical(reason.code, alerts) })),
  ];
  const known = new Set(conditions.map(({ code }) => sameAs(code)));
  const more = alerts
    .filter(({ code }) => !known.has(sameAs(code)))
    .map(({ code, message, severity }) => ({ code, detail: message, isSevere: severity === 'critical' }));
  const all = [...conditions, ...more].filter(({ code, detail }) => !isImplied(code, detail, alerts));
  return [...Map.groupBy(all, ({ code }) => code)]
    .map(([code, same]) => ({
      code,
      details: same.map(({ detail }) => detail),
      isSevere: same.some(({ isSevere }) => isSevere),
      page: pageOf(code),
    }))
    .sort((one, other) => Number(other.isSevere) - Number(one.isSevere));
}

const isCritical = (code: string, alerts: readonly Pick<Alert, 'code' | 'severity'>[]): boolean =>
  alerts.some((alert) => sameAs(alert.code) === sameAs(code) && alert.severity === 'critical');
