import type { Catalog } from '@holdfast/catalog';
import type { Clock, EventStore, ModeWatch } from '@holdfast/domain';
import {
  type AlertBoard,
  ConditionWatch,
  lookAtDisks,
  lookAtEventStore,
  lookAtNodes,
  type Lookout,
  type WatchedDisk,
} from '@holdfast/health';
import type { PurgingStatus } from '../cdn/purging.ts';
import { type FallbackSettings, lookAtFallback } from '../failover/look-at-fallback.ts';
import type { ProjectorStatus } from '../local/condition.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { lookAtMismatch } from './look-at-mismatch.ts';
import { lookAtDeadLetters, lookAtPurging } from './look-at-replication.ts';
import { lookAtScans, type ScanSchedule } from './look-at-scans.ts';
import { onceCaughtUp } from './once-caught-up.ts';
import { OneOfAll, whileInCharge } from './one-of-all.ts';

export interface WatchPorts {
  readonly board: AlertBoard;
  readonly store: EventStore;
  readonly catalog: Pick<Catalog, 'checkpoint' | 'nodes' | 'replicationCounts' | 'retiredNodes' | 'scans'>;
  readonly mode: Pick<ModeWatch, 'mode' | 'lastChange'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  /** Those whose alerts are this process's to tell. */
  readonly disks: readonly WatchedDisk[];
  readonly statuses: () => readonly ProjectorStatus[];
  /** Of the node's scans; empty where another process tells of them. */
  readonly scans: readonly ScanSchedule[];
  readonly cdn: { readonly isHeld: boolean; purgingStatus(): PurgingStatus };
  /** Told when this process begins to watch for a holder of the bucket's lock that is not there. */
  readonly onDeputy: () => void;
}

/**
 * Everything this process raises alerts for, but for what replication (CDN_UNREACHABLE) and scans raise themselves.
 * @param options.process  its name on this node
 */
export function watchConditions(
  ports: WatchPorts,
  { node, process, ...settings }: FallbackSettings & { node: string; process: string },
): ConditionWatch {
  const { board, store, catalog, mode, clock, log, disks, statuses, scans, cdn, onDeputy } = ports;
  const subject = `${node}/${process}`;
  const byCatalog = (lookout: Lookout): Lookout => onceCaughtUp({ store, catalog }, lookout);
  const reports = { nodes: () => catalog.nodes(), now: () => clock.now() };
  const holdsLock = (): boolean => cdn.isHeld;
  const oneOfAll = new OneOfAll({ ...reports, lock: cdn, onDeputy }, node);
  const ofEveryNode: Lookout[] = [
    lookAtDeadLetters(catalog),
    lookAtNodes({
      node,
      reports: () => catalog.nodes(),
      retired: () => catalog.retiredNodes(),
      now: () => clock.now(),
    }),
  ];
  return new ConditionWatch({
    board,
    clock,
    lookouts: [
      lookAtDisks(node, disks, clock),
      lookAtEventStore({ subject, store, clock }),
      lookAtMismatch(subject, statuses),
      byCatalog(
        lookAtScans({
          node,
          schedules: scans,
          scans: (question) => catalog.scans(question),
          since: clock.now(),
          now: () => clock.now(),
        }),
      ),
      whileInCharge(holdsLock, lookAtPurging({ status: () => cdn.purgingStatus() }, clock)),
      whileInCharge(holdsLock, lookAtFallback({ store, mode }, settings)),
      // A catalog that is behind knows too little of who has the lock, too.
      ...ofEveryNode.map((lookout) => byCatalog(whileInCharge(() => oneOfAll.isInCharge(), lookout))),
    ],
    onTrouble: (what, { code, message }) => {
      log.warn({ code }, `Could not look at ${what}: ${message}`);
    },
  });
}
