export { type DataPaths, dataPaths } from './data-paths.ts';
export { type DataDirectoryTraits, prepareDataDirectory } from './data-directory.ts';
export { type DiskSpace, diskSpace } from './disk-space.ts';
export { findLogIdentities } from './log-identities.ts';
export { type ContentReader, openContentReader } from './content-reader.ts';
export type { LiveFile } from './live-file.ts';
export type { RecordedDeletion, RecordedFile, RecordedLiveFile } from './recorded-file.ts';
export type { GenerationName } from './generations.ts';
