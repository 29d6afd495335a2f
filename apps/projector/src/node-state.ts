import type { DiskGuard, NodeReport } from '@holdfast/health';
import type { CdnProjector } from './cdn/cdn-projector.ts';
import type { LocalProjector } from './local/local-projector.ts';
import type { ProjectorLog } from './runtime/projector-log.ts';

/** What this process reports of itself every few seconds. */
export function readNodeState(from: {
  projectors: { local: Pick<LocalProjector, 'status'> | null; cdn: Pick<CdnProjector, 'status'> | null };
  disks: Readonly<Record<string, DiskGuard>>;
  log: ProjectorLog;
}): Pick<NodeReport, 'projectors' | 'disks' | 'memoryBytes'> {
  const { local, cdn } = from.projectors;
  return {
    projectors: [local, cdn].filter((projector) => projector !== null).map((projector) => projector.status()),
    disks: Object.entries(from.disks).flatMap(([name, guard]) => readDisk(name, guard, from.log)),
    memoryBytes: process.memoryUsage.rss(),
  };
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
