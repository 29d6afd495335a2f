export {
  type ErrorCode,
  type ErrorKind,
  ERROR_KINDS,
  hasCode,
  HoldfastError,
  isHoldfastError,
  toHoldfastError,
} from './errors.ts';
export { isOfOneStore, isPositionAtOrAfter, laterPosition, type Position } from './position.ts';
export { AwaitedPositions } from './awaited-positions.ts';
export {
  type DecidedEvent,
  decodeEvent,
  derivedEventId,
  encodeEvent,
  EVENT_DEFINITIONS,
  type EventData,
  type EventMetadata,
  type EventOf,
  type EventType,
  type LogEntry,
  newEventId,
  type NewEvent,
  type RecordedEvent,
  type UnreadableEvent,
} from './events.ts';
export {
  type BodyChunk,
  type BodyReference,
  bodyStream,
  cutBody,
  fitsInEvent,
  joinBody,
} from './log/body-chunks.ts';
export { encodeAppend, encodeChunkData, type EncodedEvent } from './log/encode-append.ts';
export { bodyUnreadable, storeClosed, versionConflict } from './log/log-errors.ts';
export { LOG_STREAM } from './log/events.ts';
export {
  compareUtf8,
  type ContentDirectory,
  type ContentPath,
  isContentPath,
  parentDirectories,
  parseDirectory,
  parsePath,
  type PathRules,
  sortUtf8,
} from './content/path.ts';
export { MAX_JSON_DEPTH, readJson, textOfMember } from './content/json-text.ts';
export { LINK_SCHEME, relativePath } from './content/links.ts';
export {
  CONTENT_KINDS,
  type ContentKind,
  KIND_CHECKS,
  type KindCheck,
  type KindChecks,
  kindOf,
} from './content/kinds.ts';
export {
  documentTooLarge,
  MAX_DOCUMENT_BYTES,
  parseContentType,
  prepareDocument,
  type PreparedDocument,
  sha256Of,
} from './content/document.ts';
export { CONTENT_EVENT_TYPES, contentStream } from './content/events.ts';
export {
  type ContentCommand,
  type DeleteContent,
  NO_PRECONDITION,
  type Precondition,
  type PublishContent,
} from './content/commands.ts';
export { type ContentEvent, type ContentState, initialContent } from './content/state.ts';
export { decideContent } from './content/decide.ts';
export { evolveContent } from './content/evolve.ts';
export { contentDecider } from './content/decider.ts';
export { baseUrlSchema, MODE_STREAM, type ProbeSample } from './mode/events.ts';
export { type ChangeMode, decideMode, evolveMode, initialMode, type Mode, modeDecider } from './mode/mode.ts';
export { ModeWatch } from './mode/mode-watch.ts';
export {
  encodeContentPath,
  getContentUrl,
  type LocatedDocument,
  type ModeSnapshot,
  type NodeUrls,
  snapshotMode,
} from './mode/content-url.ts';
export {
  ALERT_CODES,
  ALERT_SEVERITIES,
  type AlertCode,
  type AlertSeverity,
  alertStream,
  MAX_ALERT_MESSAGE_CHARS,
} from './alerts/events.ts';
export { REPLICATION_ACTIONS, type ReplicationAction, replicationStream } from './replication/events.ts';
export { DEFAULT_RETRY_SCHEDULE_MS, nextRetryAt } from './replication/schedule.ts';
export { JOB_KINDS, type JobKind, jobStream } from './jobs/events.ts';
export {
  type DirectoryDeletionParameters,
  directoryDeletionParametersSchema,
  type ReplayParameters,
  replayParametersSchema,
  type RestoreParameters,
  restoreParametersSchema,
  type ScanParameters,
  scanParametersSchema,
} from './jobs/parameters.ts';
export {
  DRIFT_ACTIONS,
  type DriftAction,
  driftCountsSchema,
  driftRootsSchema,
  driftStream,
  findingSchema,
  MAX_FINDINGS_BYTES,
  MAX_LISTED_FINDINGS,
  type Repair,
  REPAIRS,
  SCAN_KINDS,
  SCAN_SIDES,
  type ScanKind,
  type ScanSides,
} from './drift/events.ts';
export {
  type ExpectedDocument,
  type FoundFile,
  judgeDocument,
  judgeExtra,
  type LocalEntry,
  type LocalKind,
  type LocalRole,
  previousPath,
} from './drift/judge-local.ts';
export {
  type FoundObject,
  judgeExtraObject,
  judgeListed,
  judgeObject,
  isAheadOfLog,
  type KnownPut,
} from './drift/judge-remote.ts';
export { type Listing, type Merged, mergeListings } from './drift/merge-listings.ts';
export {
  type QuarantineEntry,
  quarantineEntrySchema,
  type QuarantineLine,
  quarantineLineSchema,
} from './drift/quarantine-entry.ts';
export { MerkleRoot } from './drift/merkle-root.ts';
export {
  type CdnCounts,
  countDrift,
  DRIFT_OUTCOMES,
  DRIFT_SIDES,
  type DriftCounts,
  type DriftOutcome,
  type DriftSide,
  type Finding,
  isDrift,
  type LocalCounts,
  noCdnCounts,
  noLocalCounts,
  UNSETTLED_STATES,
  type UnsettledState,
} from './drift/outcome.ts';
export { MAX_REASON_CHARS, nodeStream, PROJECTOR_STATES } from './nodes/events.ts';
export { type Clock, CLOCK, systemClock } from './ports/clock.ts';
export {
  type Appended,
  type AppendOptions,
  type Direction,
  EVENT_STORE,
  type EventStore,
  type ExpectedVersion,
  LOG_BACKUP,
  type LogBackup,
  type LogFilter,
  type LogPage,
  type ReadLogOptions,
  type ReadStreamOptions,
  type SubscribeOptions,
} from './ports/event-store.ts';
export {
  type DeleteFailure,
  type ListedObject,
  mayHaveHappened,
  OBJECT_STORE,
  type ObjectHead,
  type ObjectStore,
  type ObjectStoreCapabilities,
  type PutOptions,
  type StoredObject,
} from './ports/object-store.ts';
export { type HeldLock, type LockKeeper, type LockName, type TakeLock } from './ports/lock.ts';
export { type PurgeFailure, PURGER, type Purger, retryAfterMsOf } from './ports/purger.ts';
export {
  CommandHandler,
  type Decider,
  findEarlierDelivery,
  type Handled,
  idempotencyKeyReused,
  isOlderThanADay,
} from './handle-command.ts';
export { followLog } from './follow-log.ts';
export { printable } from './printable.ts';
