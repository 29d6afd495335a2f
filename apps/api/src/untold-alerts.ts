import { isSilent } from '@holdfast/health';
import type { Api } from './api.ts';
import { type AlertView, findOpenAlerts } from './open-alerts.ts';
import { type ProjectorVerdict, stalledSubject } from './projector-watch.ts';

/**
 * Open alerts but for those of which readiness tells without them: what it looks at itself is told already, or over.
 * @param verdicts  on the projectors of this node
 */
export function findUntoldAlerts(
  api: Pick<Api, 'alerts' | 'catalog' | 'clock' | 'disks' | 'settings'>,
  verdicts: readonly ProjectorVerdict[],
): AlertView[] {
  const { catalog, clock, disks, settings } = api;
  const told = new Set([
    'REPLICATION_DEAD_LETTERED -',
    `EVENT_STORE_UNREACHABLE ${settings.node}/api`,
    `LOG_MISMATCH ${settings.node}/api`,
    ...disks.all.map(({ name }) => `DISK_LOW ${settings.node}/${name}`),
    ...verdicts.map(({ projector }) => `PROJECTOR_STALLED ${stalledSubject(settings.node, projector)}`),
  ]);
  for (const report of catalog.nodes()) {
    const { node, projectors } = report;
    told.add(`NODE_SILENT ${node}`);
    for (const { name, state } of projectors) {
      if (state === 'stopped') {
        for (const process of ['projector', 'projector-cdn']) told.add(`LOG_MISMATCH ${node}/${process}`);
      }
      // Of this node the verdicts say it.
      const isTold = node !== settings.node && (state === 'stopped' || isSilent(report, clock.now()));
      if (isTold) told.add(`PROJECTOR_STALLED ${stalledSubject(node, name)}`);
      if (node === settings.node && name === 'cdn' && state === 'waiting') told.add('CDN_UNREACHABLE -');
    }
  }
  return findOpenAlerts(api).filter(({ code, subject }) => !told.has(`${code} ${subject}`));
}
