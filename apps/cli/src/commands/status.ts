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

/** Everything an operator should look at; none: all is well. A paused projector does what the mode says. */
function findTroubles({ node: answering, reasons, replications, disk, nodes }: HealthAnswer): string[] {
  const deadLetters = replications['dead-letter'];
  return [
    ...reasons.map(({ code, detail }) => `${code}: ${detail}`),
    ...(deadLetters === 0
      ? []
      : [
          `${deadLetters} dead ${deadLetters === 1 ? 'letter' : 'letters'}: "holdfast replications --failed" says why, "holdfast replications retry --all" tries again.`,
        ]),
    ...(disk.publishing
      ? []
      : ['DISK_FULL: the disk has too little free space; publishing is refused until there is more.']),
    // Of its own projector the node that answers has said so among its reasons.
    ...nodes
      .filter(({ node, silent }) => silent && node !== answering)
      .map(({ node, reportedAt }) => `The projector of ${node} has been silent since ${reportedAt}.`),
    ...nodes.flatMap(({ node, projectors }) =>
      projectors
        .filter(({ state }) => state === 'waiting' || (state === 'stopped' && node !== answering))
        .map(
          ({ name, state, reason }) =>
            `The ${name} projector of ${node} is ${state}: ${reason ?? 'it gives no reason'}`,
        ),
    ),
  ];
}

function showHealth(output: Output, health: HealthAnswer, troubles: readonly string[]): void {
  const { node, log, documents, replications, oldestPendingAt, disk, nodes } = health;
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
      ['Log', `${log.id}, head ${log.head}`],
      [
        'Disk',
        `${showBytes(disk.freeBytes)} free of ${showBytes(disk.totalBytes)}; publishing needs ${showBytes(disk.minFreeBytes)}`,
      ],
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
        lag.isAtLeast ? `${lag.events}+` : lag.events,
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
