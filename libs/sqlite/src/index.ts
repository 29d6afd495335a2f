export { databaseFiles, openDatabase, type OpenDatabaseOptions } from './open-database.ts';
export { inTransaction } from './transaction.ts';
export { isBusy, translateSqliteError } from './sqlite-error.ts';
export { acquireLock, type FileLock } from './file-lock.ts';
export { type Doorbell, openDoorbell } from './doorbell.ts';
