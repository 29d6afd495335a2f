export type { AlertEvent, AlertsQuestion, CatalogAlert } from './alerts.ts';
export { Catalog } from './catalog.ts';
export type { ReplicationsPage, ReplicationsQuestion } from './list-replications.ts';
export type { CatalogScan, OpenDrift, OpenDriftQuestion, ScansQuestion } from './scans.ts';
export type { BelowPrefix, CountUpTo, TreeEntry, TreeQuestion } from './tree.ts';
export { openCatalog } from './open-catalog.ts';
export {
  type CatalogDocument,
  type CatalogJob,
  type CatalogNode,
  type DueReplication,
  type ObjectOnCdn,
  REPLICATION_STATUSES,
  type ReplicationRow,
  type ReplicationStatus,
  type UnreadableRow,
} from './rows.ts';
