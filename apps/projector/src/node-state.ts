import { MAX_REASON_CHARS } from '@holdfast/domain';
import type { Alerts, DiskGuard, NodeReport } from '@holdfast/health';
import type { CdnDuty } from './cdn/cdn-duty.ts';
import type { DriftProjector } from './drift/drift-projector.ts';
import type { LocalProjector } from './local/local-projector.ts';
import type { ProjectorLog } from './runtime/projector-log.ts';

/** What this process reports of itself every few seconds. */
export function readNodeState(from: {
  projectors: {
    local: Pick<LocalProjector, 'status'> | null;
    cdn: Pick<CdnDuty, 'status' | 'purgingStatus'> | null;
    drift: Pick<DriftProjector, 'status'> | null;
  };
  alerts: Pick<Alerts, 'status'>;
  disks: Readonly<Record<string, DiskGuard>>;
  log: ProjectorLog;
}): Pick<NodeReport, 'projectors' | 'disks' | 'memoryBytes' | 'notifiers'> {
  const { local, cdn, drift } = from.projectors;
  return {
    projectors: [
      ...[local, cdn, drift].filter((projector) => projector !== null).map((projector) => projector.status()),
      ...readPurging(cdn),
    ].map((status) => ({ ...status, reason: cutReason(status.reason) })),
    disks: Object.entries(from.disks).flatMap(([name, guard]) => readDisk(name, guard, from.log)),
    memoryBytes: process.memoryUsage.rss(),
    notifiers: [...from.alerts.status().channels],
  };
}

/** One names a file and may be longer than an event takes, which would keep the whole report from the log. */
const cutReason = (reason: string | null): string | null =>
  reason === null ? null : reason.slice(0, MAX_REASON_CHARS).toWellFormed();

/** Where nothing is to be purged, or that has not begun, nothing is told. */
function readPurging(cdn: Pick<CdnDuty, 'purgingStatus'> | null): NodeReport['projectors'] {
  if (cdn === null) return [];
  const { state, reason, pending, oldestPendingAt } = cdn.purgingStatus();
  return state === 'off' || state === 'starting'
    ? []
    : [{ name: 'purge', state, reason, checkpoint: null, pending, oldestPendingAt }];
}

function readDisk(name: string, guard: DiskGuard, log: ProjectorLog): NodeReport['disks'] {
  try {
    const { freeBytes, totalBytes } = guard.state();
    return [{ name, freeBytes, totalBytes }];
  } catch (error) {
    log.warn({ err: error, disk: name }, `the free space of the ${name} disk cannot be read`);
    return [];
  }
}
