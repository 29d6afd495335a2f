import type { Catalog } from '@holdfast/catalog';
import type { Clock, EventStore } from '@holdfast/domain';
import {
  type AlertBoard,
  ConditionWatch,
  type Finding,
  isSilent,
  lookAtDisks,
  lookAtEventStore,
  type Lookout,
} from '@holdfast/health';
import type { FastifyBaseLogger } from 'fastify';
import type { Disks } from './disks.ts';
import { type ProjectorTrouble, type ProjectorWatch, stalledSubject } from './projector-watch.ts';

export interface WatchPorts {
  readonly board: AlertBoard;
  readonly store: EventStore;
  readonly catalog: Pick<Catalog, 'nodes'>;
  readonly projectorWatch: ProjectorWatch;
  readonly disks: Disks;
  readonly clock: Clock;
  readonly logger: Pick<FastifyBaseLogger, 'warn'>;
  readonly node: string;
}

/** What a projector cannot say of itself, and what it says as long as it is there. */
export function watchConditions(ports: WatchPorts): ConditionWatch {
  const { board, store, projectorWatch, disks, clock, logger, node } = ports;
  return new ConditionWatch({
    board,
    clock,
    lookouts: [
      lookAtEventStore({ subject: `${node}/api`, store, clock }),
      lookAtProjectors(node, projectorWatch, clock),
      instead(lookAtDisks(node, disks.all, clock), () => isProjectorThere(ports)),
    ],
    onTrouble: (what, { code, message }) => {
      logger.warn({ code }, `Could not look at ${what}: ${message}`);
    },
  });
}

/** A restart wakes nobody. */
const SILENT_FOR_MS = 60_000;

/** PROJECTOR_STALLED for each projector of this node that gets nothing done, for whatever reason. */
export const lookAtProjectors = (
  node: string,
  projectorWatch: Pick<ProjectorWatch, 'look'>,
  clock: Clock,
): Lookout => ({
  what: 'the projectors',
  look: async () => {
    const isNew = ({ code, since }: ProjectorTrouble): boolean =>
      code === 'PROJECTOR_SILENT' && clock.now().getTime() - since.getTime() < SILENT_FOR_MS;
    const verdicts = await projectorWatch.look();
    return verdicts.flatMap(({ projector, trouble }): Finding[] => {
      const which = { code: 'PROJECTOR_STALLED', subject: stalledSubject(node, projector) } as const;
      if (trouble === null) return [{ ...which, problem: null }];
      if (isNew(trouble)) return [];
      const message = `${trouble.detail} What is published is kept in the log and caught up with when it works again; "holdfast status" and the log of the process say more.`;
      const details = { reason: trouble.code, since: trouble.since.toISOString() };
      return [{ ...which, problem: { severity: 'critical', message, details } }];
    });
  },
});

/** The projector of this node tells of its disks; what it told stays told until it looks again, or the trouble is over. */
function isProjectorThere({ catalog, clock, node }: WatchPorts): boolean {
  const report = catalog.nodes().find((each) => each.node === node);
  return report !== undefined && !isSilent(report, clock.now());
}

/** Raises only where nobody else does; clears always, as what is over is over for everybody. */
const instead = (lookout: Lookout, isDoneElsewhere: () => boolean): Lookout => ({
  ...lookout,
  look: async () => {
    const findings = await lookout.look();
    return isDoneElsewhere() ? findings.filter(({ problem }) => problem === null) : findings;
  },
});
