export type { Alert, AlertBoard, AlertSubject } from './alerts/alert.ts';
export { Alerts, type AlertsPorts, type AlertsStatus } from './alerts/alerts.ts';
export { tellOfMismatch } from './alerts/tell-of-mismatch.ts';
export type { ChannelStatus } from './alerts/channel.ts';
export type { Notice, Notifier } from './alerts/notice.ts';
export { type NotifierSettings, openAlerts } from './alerts/open-alerts.ts';
export { DiskGuard, type DiskGuardOptions, type DiskState, type MinFree } from './disk-guard.ts';
export { Heartbeat, type HeartbeatPorts, type NodeReport } from './heartbeat.ts';
export { appendWithReserve } from './append-with-reserve.ts';
export { DiskReserve, type DiskReserveOptions } from './disk-reserve.ts';
export { openReserves, type Reserves } from './reserves.ts';
export { type DiskSpace } from './disk-space.ts';
export {
  ConditionWatch,
  type ConditionWatchPorts,
  type Finding,
  type Lookout,
} from './conditions/condition-watch.ts';
export { lookAtDisks, type WatchedDisk } from './conditions/disks.ts';
export { lookAtEventStore } from './conditions/event-store.ts';
export { isSilent, lookAtNodes } from './conditions/node-silence.ts';
