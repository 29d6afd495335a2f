import { countDrift, type ScanKind } from '@holdfast/domain';
import type { Catalog } from '@holdfast/catalog';
import type { AlertBoard } from '@holdfast/health';
import type { Repaired } from './repair.ts';
import type { ScanResult } from './scan.ts';

/**
 * One alert for a node, however much was found: raised while something is left that no repair mended, cleared by a
 * scan of everything that is clean. One that left out the bucket says nothing of what differs there.
 */
export function tellDrift(
  { alerts, catalog, node }: { alerts: AlertBoard; catalog: Pick<Catalog, 'openDrift'>; node: string },
  { kind, result, repaired }: { kind: ScanKind; result: ScanResult; repaired: Repaired },
): void {
  const subject = { code: 'DRIFT_FOUND', subject: node } as const;
  const found = countDrift(result.counts);
  const mended = repaired.restored + repaired.replicated + repaired.quarantined + repaired.deleted;
  const isOfBoth = result.sides !== 'local';
  const differsInBucket = catalog.openDrift({ node, side: 'cdn', after: null, limit: 1 }).length > 0;
  const left = Math.max(0, found - mended);
  if (left > 0) {
    const { local, cdn } = result.counts;
    const compared = isOfBoth ? 'the log, the local files and the bucket' : 'the log and the local files';
    const message = `The ${kind} scan of ${node} found ${found} differences between ${compared}; ${left} are left. "holdfast verify --repair" mends what can be mended.`;
    const details = {
      kind,
      found,
      left,
      orphansLeft: repaired.orphansLeft,
      local: { ...local },
      cdn: { ...cdn },
    };
    alerts.raise({ ...subject, severity: 'warning', message, details });
  } else if (kind !== 'quick' && (isOfBoth || !differsInBucket)) {
    alerts.clear(subject, `The ${kind} scan of ${node} left no differences.`);
  }
}
