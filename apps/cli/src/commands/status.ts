import type { HealthAnswer } from '@holdfast/api/types';
import type { AddCommand } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import type { Output } from '../output/output.ts';

export const addStatus: AddCommand = (program, attach) => {
  attach(program.command('status').description('show how everything is'), async ({ client, output }) => {
    const health = await client.get<HealthAnswer>('/v1/health');
    const findings = findTroubles(health);
    output.json({ ...health, well: findings.length === 0 });
    showHealth(output, health, findings);
    return findings.length === 0 ? EXIT.done : EXIT.foundSomething;
  });
};

/** What the server finds, in its words; none: all is well. */
const findTroubles = ({ reasons, warnings }: HealthAnswer): string[] =>
  [...reasons, ...warnings].map(({ code, detail }) => `${code}: ${detail}`);

function showHealth(output: Output, health: HealthAnswer, troubles: readonly string[]): void {
  const { node, log, documents, replications, oldestPendingAt, disks, lastScan, nodes } = health;
  const waiting = replications.queued + replications.failed;
  output.line(`Holdfast on ${node}: ${troubles.length === 0 ? 'all is well' : 'needs a look'}`);
  for (const trouble of troubles) output.line(`  ! ${trouble}`);
  output.line();
  output.table(
    ['What', 'How it is'],
    [
      ['Documents', `${documents.published} published, ${documents.deleted} deleted`],
      [
        'Replication',
        `${waiting} waiting${oldestPendingAt === null ? '' : ` (oldest since ${oldestPendingAt})`}, ${replications.failed} of them failed before, ${replications['dead-letter']} dead letters`,
      ],
      [
        'Last scan',
        lastScan === null ? 'none' : `${lastScan.kind}, ${lastScan.state}, of ${lastScan.startedAt}`,
      ],
      ['Log', log.id === null || log.head === null ? 'does not answer' : `${log.id}, head ${log.head}`],
      ...disks.map(({ holds, freeBytes, freePercent, totalBytes, minFreeBytes }) => [
        `Disk (${holds.join(', ')})`,
        `${showBytes(freeBytes)} (${freePercent} %) free of ${showBytes(totalBytes)}; publishing needs ${showBytes(minFreeBytes)}`,
      ]),
    ],
  );
  output.line();
  output.table(
    ['Node', 'Projector', 'State', 'Pending', 'Lag', 'Why'],
    nodes.flatMap((each) =>
      each.projectors.map(({ name, state, pending, lag, reason }) => [
        each.node,
        name,
        each.silent ? 'silent' : state,
        pending,
        lag?.isAtLeast ? `${lag.events}+` : (lag?.events ?? 'unknown'),
        reason,
      ]),
    ),
  );
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function showBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  return `${(bytes / 2 ** (10 * power)).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}
