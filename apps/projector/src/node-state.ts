import type { Alerts, DiskGuard, NodeReport } from '@holdfast/health';
import type { CdnProjector } from './cdn/cdn-projector.ts';
import type { Purging } from './cdn/purging.ts';
import type { DriftProjector } from './drift/drift-projector.ts';
import type { LocalProjector } from './local/local-projector.ts';
import type { ProjectorLog } from './runtime/projector-log.ts';

/** What this process reports of itself every few seconds. */
export function readNodeState(from: {
  projectors: {
    local: Pick<LocalProjector, 'status'> | null;
    cdn: Pick<CdnProjector, 'status'> | null;
    drift: Pick<DriftProjector, 'status'> | null;
  };
  purging: Pick<Purging, 'status'>;
  alerts: Pick<Alerts, 'status'>;
  disks: Readonly<Record<string, DiskGuard>>;
  log: ProjectorLog;
}): Pick<NodeReport, 'projectors' | 'disks' | 'memoryBytes' | 'notifiers'> {
  const { local, cdn, drift } = from.projectors;
  return {
    projectors: [
      ...[local, cdn, drift].filter((projector) => projector !== null).map((projector) => projector.status()),
      ...readPurging(from.purging),
    ],
    disks: Object.entries(from.disks).flatMap(([name, guard]) => readDisk(name, guard, from.log)),
    memoryBytes: process.memoryUsage.rss(),
    notifiers: [...from.alerts.status().channels],
  };
}

/** Where nothing is to be purged, nothing is told. */
function readPurging(purging: Pick<Purging, 'status'>): NodeReport['projectors'] {
  const { state, reason, pending, oldestPendingAt } = purging.status();
  return state === 'off'
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
