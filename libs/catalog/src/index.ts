export { Catalog } from './catalog.ts';
export { openCatalog } from './open-catalog.ts';
export {
  type CatalogDocument,
  type CatalogJob,
  type CatalogNode,
  type DueReplication,
  REPLICATION_STATUSES,
  type ReplicationRow,
  type ReplicationStatus,
  type UnreadableRow,
} from './rows.ts';
