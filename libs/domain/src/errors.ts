/** What a loop or a route needs to know about a failure; see docs/errors.md for each code. */
export type ErrorKind =
  | 'invalid'
  | 'denied'
  | 'rejected'
  | 'precondition'
  | 'conflict'
  | 'missing'
  | 'transient'
  | 'exhausted'
  | 'poison'
  | 'fatal';

/**
 * Every code Holdfast answers with, and its kind. Codes are API: they are never renamed or reused.
 * `docs/errors.md` has one row for each, and a spec compares the two lists.
 */
export const ERROR_KINDS = {
  PATH_INVALID: 'invalid',
  JSON_INVALID: 'invalid',
  JSON_TOO_DEEP: 'invalid',
  DOCUMENT_TOO_LARGE: 'invalid',
  DOCUMENT_REFUSED: 'invalid',
  TOO_MANY_LINKS: 'invalid',
  CONTENT_TYPE_UNSUPPORTED: 'invalid',
  REQUEST_INVALID: 'invalid',
  IDEMPOTENCY_KEY_REUSED: 'invalid',
  EVENT_INVALID: 'invalid',
  USAGE_INVALID: 'invalid',
  OUT_DIRECTORY_INVALID: 'invalid',
  TOKEN_MISSING: 'denied',
  TOKEN_INVALID: 'denied',
  ROLE_INSUFFICIENT: 'denied',
  HOST_NOT_ALLOWED: 'denied',
  ORIGIN_NOT_ALLOWED: 'denied',
  CSRF_HEADER_MISSING: 'denied',
  BUCKET_ACCESS_DENIED: 'denied',
  PURGE_DENIED: 'denied',
  EVENT_STORE_ACCESS_DENIED: 'denied',
  NOTHING_TO_RETRY: 'rejected',
  NODE_REPORTING: 'rejected',
  QUARANTINE_PLACE_TAKEN: 'rejected',
  GENERATION_REPLACED: 'conflict',
  BUCKET_REGION_WRONG: 'rejected',
  BUCKET_UNSUPPORTED: 'rejected',
  OBJECT_REJECTED: 'rejected',
  PURGE_REFUSED: 'rejected',
  NOTIFIER_REFUSED: 'rejected',
  VERSION_MISMATCH: 'precondition',
  STREAM_VERSION_CONFLICT: 'conflict',
  OBJECT_PRECONDITION_FAILED: 'conflict',
  LOCK_TAKEN: 'conflict',
  CONTENT_NOT_FOUND: 'missing',
  CONTENT_DELETED: 'missing',
  VERSION_NOT_FOUND: 'missing',
  JOB_NOT_FOUND: 'missing',
  NODE_NOT_FOUND: 'missing',
  SCAN_NOT_FOUND: 'missing',
  QUARANTINE_ENTRY_NOT_FOUND: 'missing',
  ROUTE_NOT_FOUND: 'missing',
  OBJECT_NOT_FOUND: 'missing',
  BUCKET_NOT_FOUND: 'missing',
  EVENT_STORE_UNAVAILABLE: 'transient',
  OBJECT_STORE_UNAVAILABLE: 'transient',
  OBJECT_STORE_TIMEOUT: 'transient',
  OBJECT_STORE_THROTTLED: 'transient',
  BUCKET_CLOCK_SKEWED: 'transient',
  PURGE_UNAVAILABLE: 'transient',
  PURGE_THROTTLED: 'transient',
  NOTIFIER_UNAVAILABLE: 'transient',
  CATALOG_LAGGING: 'transient',
  MODE_LAGGING: 'transient',
  LOCAL_FILE_NOT_READY: 'transient',
  HASH_MISMATCH: 'transient',
  STORAGE_UNAVAILABLE: 'transient',
  SERVER_UNREACHABLE: 'transient',
  BACKUP_UNSUPPORTED: 'rejected',
  LOG_COPY_REFUSED: 'rejected',
  LOG_COPY_DIFFERS: 'fatal',
  DISK_FULL: 'exhausted',
  EVENT_UNREADABLE: 'poison',
  TOKENS_FILE_INVALID: 'fatal',
  CONFIG_INVALID: 'fatal',
  DATA_DIR_UNUSABLE: 'fatal',
  DATA_DIR_IN_USE: 'fatal',
  NODE_NAME_IN_USE: 'fatal',
  PORT_IN_USE: 'fatal',
  SCHEMA_TOO_NEW: 'fatal',
  DATABASE_CORRUPT: 'fatal',
  LOG_MISMATCH: 'fatal',
  RUNTIME_UNSUPPORTED: 'fatal',
  INTERNAL: 'fatal',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/**
 * The one error class. Callers look at `code` or `kind`, never at the class or the message.
 * The message says what was attempted, on what, why it failed and what to do.
 */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  /** Facts for logs and problem details; never a secret. */
  readonly context: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { context?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.kind = ERROR_KINDS[code];
    this.context = options.context ?? {};
  }
}

/** Recognises our errors by shape, so that copies of this module in other processes' bundles count too. */
export const isHoldfastError = (error: unknown): error is HoldfastError =>
  error instanceof Error && 'code' in error && 'kind' in error && (error.code as string) in ERROR_KINDS;

export const hasCode = (error: unknown, code: ErrorCode): error is HoldfastError =>
  isHoldfastError(error) && error.code === code;

/** Wraps anything unforeseen, so that every failure that leaves a process has a code. */
export const toHoldfastError = (error: unknown): HoldfastError =>
  isHoldfastError(error)
    ? error
    : new HoldfastError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
