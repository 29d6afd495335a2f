export type { Alert, AlertBoard, AlertSubject } from './alerts/alert.ts';
export { Alerts, type AlertsPorts, type AlertsStatus } from './alerts/alerts.ts';
export type { ChannelStatus } from './alerts/channel.ts';
export type { Notice, Notifier } from './alerts/notice.ts';
export { DiskGuard, type DiskGuardOptions, type DiskState, type MinFree } from './disk-guard.ts';
export { Heartbeat, type HeartbeatPorts, type NodeReport } from './heartbeat.ts';
export { appendWithReserve } from './append-with-reserve.ts';
export { DiskReserve, type DiskReserveOptions } from './disk-reserve.ts';
export { type DiskSpace } from './disk-space.ts';
