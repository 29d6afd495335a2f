import type { NodeReport } from '../heartbeat.ts';
import type { Finding, Lookout } from './condition-watch.ts';

/** A node's last report; when it was heard of is by the clock of whoever judges, as the node's own may be wrong. */
export type LastReport = Pick<NodeReport, 'node' | 'intervalSeconds'> & { readonly heardAt: string };

/** A node that has missed so many reports in a row is not well. */
const REPORTS_MISSED = 3;

export const isSilent = ({ heardAt, intervalSeconds }: Omit<LastReport, 'node'>, now: Date): boolean =>
  now.getTime() - Date.parse(heardAt) > REPORTS_MISSED * intervalSeconds * 1_000;

/** A restart, or a moment without the log, wakes nobody. */
const RAISE_AFTER_MS = 60_000;

/**
 * Which other nodes have fallen silent (NODE_SILENT); of its own node a process knows more. To be asked by one process
 * of the whole system.
 * @param options.retired  names of nodes that are not missed any more
 */
export const lookAtNodes = (options: {
  node: string;
  reports: () => readonly LastReport[];
  retired: () => readonly string[];
  now: () => Date;
}): Lookout => ({
  what: 'the other nodes',
  look: () => {
    const { node: own, reports, retired, now } = options;
    const others = reports().filter(({ node }) => node !== own);
    return [
      ...[own, ...retired()].map((node): Finding => ({ code: 'NODE_SILENT', subject: node, problem: null })),
      ...others.flatMap((report) => judge(report, now())),
    ];
  },
});

function judge(report: LastReport, now: Date): Finding[] {
  const { node, heardAt } = report;
  const which = { code: 'NODE_SILENT', subject: node } as const;
  if (!isSilent(report, now)) return [{ ...which, problem: null }];
  if (now.getTime() - Date.parse(heardAt) < RAISE_AFTER_MS) return [];
  const message = `Nothing has been heard of the node ${node} since ${heardAt}: its projectors may be down, or it cannot reach the log. If it is gone for good: holdfast node retire ${node}.`;
  return [{ ...which, problem: { severity: 'critical', message, details: { heardAt } } }];
}
