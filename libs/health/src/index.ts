export type { Alert, AlertBoard, AlertSubject } from './alerts/alert.ts';
export { DiskGuard, type DiskGuardOptions, type DiskState, type MinFree } from './disk-guard.ts';
export { Heartbeat, type HeartbeatPorts, type NodeReport } from './heartbeat.ts';
