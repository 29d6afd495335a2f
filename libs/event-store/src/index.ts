export { copyLog, type CopyProgress, type CopyReport } from './copy/copy-log.ts';
export { type EventStorePlace, type OpenedEventStore, openEventStore } from './open-event-store.ts';
export { openSqliteEventStore, type SqliteEventStoreOptions } from './sqlite/sqlite-event-store.ts';
