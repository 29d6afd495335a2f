import type { NodeReport } from '../heartbeat.ts';
import type { Finding, Lookout } from './condition-watch.ts';

/** A node's last report. */
export type LastReport = Pick<NodeReport, 'node' | 'intervalSeconds'> & {
  /** By its own clock, which may be wrong. */
  readonly reportedAt: string;
  /** By the clock of whoever judges. */
  readonly heardAt: string;
};

/** A node that has missed so many reports in a row is not well. */
const REPORTS_MISSED = 3;

export const isSilent = (
  { heardAt, intervalSeconds }: Pick<LastReport, 'heardAt' | 'intervalSeconds'>,
  now: Date,
): boolean => now.getTime() - Date.parse(heardAt) > REPORTS_MISSED * intervalSeconds * 1_000;

/** A restart, or a moment without the log, wakes nobody. */
const RAISE_AFTER_MS = 60_000;

/**
 * Which other nodes have fallen silent (NODE_SILENT); of its own node a process knows more. To be asked by one process
 * of the whole system. Reports come by the log: while those of its own node do not arrive either, it knows of nobody,
 * and a node has its whole minute from when they do.
 * @param options.retired  names of nodes that are not missed any more
 */
export function lookAtNodes(options: {
  node: string;
  reports: () => readonly LastReport[];
  retired: () => readonly string[];
  now: () => Date;
}): Lookout {
  const { node: own } = options;
  /** Since when reports have been arriving; null: they do not. */
  let hearingSince: Date | null = null;
  return {
    what: 'the other nodes',
    look: () => {
      const now = options.now();
      const reports = options.reports();
      const canHear = reports.some((report) => report.node === own && !isSilent(report, now));
      hearingSince = canHear ? (hearingSince ?? now) : null;
      const notMissed = [own, ...options.retired()];
      return [
        ...notMissed.map((node): Finding => ({ code: 'NODE_SILENT', subject: node, problem: null })),
        ...reports
          .filter(({ node }) => node !== own)
          .flatMap((report) => (hearingSince === null ? [] : judge(report, hearingSince, now))),
      ];
    },
  };
}

function judge(report: LastReport, hearingSince: Date, now: Date): Finding[] {
  const { node, reportedAt, heardAt } = report;
  const which = { code: 'NODE_SILENT', subject: node } as const;
  const isHeard = Date.parse(heardAt) > hearingSince.getTime();
  if (isHeard && !isSilent(report, now)) return [{ ...which, problem: null }];
  const silentSince = isHeard ? new Date(heardAt) : hearingSince;
  if (now.getTime() - silentSince.getTime() < RAISE_AFTER_MS) return [];
  const message = `Nothing has been heard of the node ${node} since its report of ${reportedAt} (by its own clock): its projectors may be down, or it cannot reach the log. If it is gone for good: holdfast node retire ${node}.`;
  return [{ ...which, problem: { severity: 'critical', message, details: { reportedAt, heardAt } } }];
}
