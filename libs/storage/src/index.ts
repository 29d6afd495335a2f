export { type DataPaths, dataPaths } from './data-paths.ts';
export { type DataDirectoryTraits, prepareDataDirectory } from './data-directory.ts';
export { type DiskSpace, diskSpace } from './disk-space.ts';
export { findLogIdentities } from './log-identities.ts';
export { findMismatch, holdsFilesOfALog, refuseMissingLog } from './log-mismatch.ts';
export { type ContentReader, openContentReader } from './content-reader.ts';
export type { LiveFile } from './live-file.ts';
export type { RecordedDeletion, RecordedFile, RecordedLiveFile } from './recorded-file.ts';
export { generationIndexFile, type GenerationName, generationRoot, liveGeneration } from './generations.ts';
export {
  flipTo,
  makeGeneration,
  removeGeneration,
  removeUnfinishedGenerations,
  trimGenerations,
} from './flip-generation.ts';
export {
  GenerationIndex,
  type IndexCommit,
  type Intent,
  type PoisonRecord,
  type RecordedEventRow,
} from './generation-index.ts';
export { IndexReader } from './index-reader.ts';
export { ContentTree, type Removal, type Replacement } from './content-tree.ts';
export { documentOf, isMisread, lookAt } from './look-at-file.ts';
export { countInside } from './count-inside.ts';
export { WalkThread } from './walk-thread.ts';
export { Quarantine } from './quarantine.ts';
export { BulkTree } from './bulk-tree.ts';
export type { BulkDocument } from './bulk-write.ts';
export { type FileOperations, nodeFileOperations } from './file-operations.ts';
export { currentUser, errnoOf, fileFailure } from './file-errors.ts';
export { makeDirectories } from './make-directories.ts';
export { removeTree } from './remove-tree.ts';
export { Slices } from './slices.ts';
export { lockDataDirectory, lockNodeName } from './lock-data-directory.ts';
export { openLocalBell } from './local-bell.ts';
