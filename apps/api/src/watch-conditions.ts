import type { Catalog } from '@holdfast/catalog';
import type { Clock, EventStore } from '@holdfast/domain';
import {
  type AlertBoard,
  ConditionWatch,
  type ConditionWatchPorts,
  type Finding,
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
  readonly catalog: Pick<Catalog, 'alerts' | 'nodes'>;
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
      unlessToldElsewhere(lookAtDisks(node, disks.all, clock), ports),
    ],
    onTrouble: logTrouble(logger),
  });
}

/**
 * What can be watched while the log has not been opened yet, and no projector of the node runs for that. What it raises
 * stays raised until the whole watch looks.
 * @param ports.store  its head rejects with why there is no log
 * @param ports.disks  may throw: the disk of the log may be what is wrong
 */
export function watchWithoutLog(
  ports: Pick<WatchPorts, 'board' | 'clock' | 'logger' | 'node'> & {
    readonly store: Pick<EventStore, 'head'>;
    readonly disks: () => Disks;
  },
): ConditionWatch {
  const { board, store, disks, clock, logger, node } = ports;
  let lookout: Lookout | null = null;
  return new ConditionWatch({
    board,
    clock,
    lookouts: [
      lookAtEventStore({ subject: `${node}/api`, store, clock }),
      { what: 'the disks', look: () => (lookout ??= lookAtDisks(node, disks().all, clock)).look() },
    ],
    onTrouble: logTrouble(logger),
  });
}

const logTrouble =
  (logger: WatchPorts['logger']): ConditionWatchPorts['onTrouble'] =>
  (what, { code, message }) => {
    logger.warn({ code }, `Could not look at ${what}: ${message}`);
  };

/** A restart wakes nobody. */
const SILENT_FOR_MS = 60_000;
/** More than there are disks. */
const MAX_OPEN = 10_000;

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

/**
 * The projector of this node tells of its disks, and what it told stays told until it looks again: this raises only
 * where it has not been there for a while and has not told before. It clears always, as what is over is over for
 * everybody.
 */
export function unlessToldElsewhere(
  lookout: Lookout,
  { catalog, clock, node }: Pick<WatchPorts, 'catalog' | 'clock' | 'node'>,
): Lookout {
  const startedAt = clock.now().getTime();
  // In a while without reports there may have been nobody to hear them: this process, or the log.
  const isThere = (): boolean => {
    const report = catalog.nodes().find((each) => each.node === node);
    // The process that writes the files tells of their disk, and no other.
    const isTelling = report?.projectors.some(({ name }) => name === 'local') === true;
    const heardAt = Math.max(startedAt, isTelling ? Date.parse(report.heardAt) : 0);
    return clock.now().getTime() - heardAt < SILENT_FOR_MS;
  };
  const isToldBefore = ({ code, subject }: Finding): boolean =>
    catalog
      .alerts({ isOpen: true, code, before: null, limit: MAX_OPEN })
      .some((alert) => alert.subject === subject && alert.raised.actor !== `api:${node}`);
  return {
    ...lookout,
    look: async () => {
      const findings = await lookout.look();
      return findings.filter((finding) => finding.problem === null || !(isThere() || isToldBefore(finding)));
    },
  };
}
