import type { S3Call, S3Place } from './s3-place.ts';

/** What may become of a call to S3. */
export type S3ErrorCode =
  | 'OBJECT_STORE_THROTTLED'
  | 'OBJECT_STORE_TIMEOUT'
  | 'OBJECT_STORE_UNAVAILABLE'
  | 'BUCKET_ACCESS_DENIED'
  | 'BUCKET_REGION_WRONG'
  | 'BUCKET_NOT_FOUND'
  | 'BUCKET_CLOCK_SKEWED'
  | 'OBJECT_NOT_FOUND'
  | 'OBJECT_PRECONDITION_FAILED'
  | 'OBJECT_REJECTED'
  | 'HASH_MISMATCH'
  | 'DISK_FULL'
  | 'INTERNAL';

/** What a failed call learned: from the server's answer, or from the client where there is none. */
export interface FailedAnswer {
  /** The server's own code; `Unknown` where the answer has no body, as with HEAD. */
  readonly name: string;
  /** For people; null where there is none. */
  readonly message: string | null;
  /** 0: there is no answer. */
  readonly status: number;
  readonly region: string | null;
  readonly requestId: string | null;
  readonly retryAfterMs: number | null;
  /** The server's clock less ours. */
  readonly skewMs: number;
}

/** The names by which servers say it: of AWS S3, and what R2, MinIO and Ceph have besides. */
const NAMES: Partial<Record<S3ErrorCode, readonly string[]>> = {
  OBJECT_STORE_THROTTLED: [
    'BandwidthLimitExceeded',
    'OperationAborted',
    'RequestLimitExceeded',
    'RequestThrottled',
    'ServiceUnavailable',
    'SlowDown',
    'SlowDownRead',
    'SlowDownWrite',
    'Throttling',
    'ThrottlingException',
    'TooManyRequests',
    'TooManyRequestsException',
  ],
  OBJECT_STORE_TIMEOUT: ['RequestTimeout'],
  OBJECT_STORE_UNAVAILABLE: ['IncompleteBody', 'InternalError'],
  BUCKET_ACCESS_DENIED: [
    'AccessDenied',
    'AccountProblem',
    'AllAccessDisabled',
    'CredentialsProviderError',
    'ExpiredToken',
    'InvalidAccessKeyId',
    'InvalidToken',
    'NotSignedUp',
    'SignatureDoesNotMatch',
    'TokenProviderError',
    'TokenRefreshRequired',
    'Unauthorized',
  ],
  BUCKET_REGION_WRONG: [
    'AuthorizationHeaderMalformed',
    'IllegalLocationConstraintException',
    'PermanentRedirect',
    'TemporaryRedirect',
  ],
  BUCKET_NOT_FOUND: ['InvalidBucketName', 'NoSuchBucket'],
  BUCKET_CLOCK_SKEWED: ['RequestExpired', 'RequestTimeTooSkewed'],
  OBJECT_PRECONDITION_FAILED: ['ConditionalRequestConflict', 'PreconditionFailed'],
  HASH_MISMATCH: ['BadDigest', 'InvalidDigest', 'XAmzContentChecksumMismatch', 'XAmzContentSHA256Mismatch'],
  DISK_FULL: ['QuotaExceeded', 'XMinioStorageFull'],
};

const codeByName: ReadonlyMap<string, S3ErrorCode> = new Map(
  (Object.entries(NAMES) as [S3ErrorCode, readonly string[]][]).flatMap(([code, names]) =>
    names.map((name) => [name, code] as const),
  ),
);

const MISSING = {
  object: 'OBJECT_NOT_FOUND',
  bucket: 'BUCKET_NOT_FOUND',
  condition: 'OBJECT_PRECONDITION_FAILED',
} as const satisfies Record<S3Call['missing'], S3ErrorCode>;

/** What R2 is asked with, wherever the bucket is. */
const ANY_REGION = 'auto';
/** Servers refuse what was signed more than a quarter of an hour from their own time. */
const MOST_SKEW_MS = 15 * 60_000;

/** Our code for it: by the server's name, else by the status. */
export function codeOf(answer: FailedAnswer, place: S3Place, call: S3Call): S3ErrorCode {
  const { name, status, region, skewMs } = answer;
  const named = codeByName.get(name);
  if (named !== undefined) return named;
  // An answer to HEAD cannot say more than its headers do.
  const isElsewhere = region !== null && region !== place.region && place.region !== ANY_REGION;
  if ([301, 307, 400, 403].includes(status) && isElsewhere) return 'BUCKET_REGION_WRONG';
  if (status === 403 && Math.abs(skewMs) > MOST_SKEW_MS) return 'BUCKET_CLOCK_SKEWED';
  if (status === 404) return MISSING[call.missing];
  return codeOfStatus(status);
}

function codeOfStatus(status: number): S3ErrorCode {
  switch (status) {
    // No answer, and none of the failures of an exchange: something of ours, or of the client.
    case 0:
      return 'INTERNAL';
    case 301:
    case 307:
      return 'BUCKET_REGION_WRONG';
    case 401:
    case 403:
      return 'BUCKET_ACCESS_DENIED';
    case 408:
      return 'OBJECT_STORE_TIMEOUT';
    case 412:
      return 'OBJECT_PRECONDITION_FAILED';
    case 429:
    case 503:
      return 'OBJECT_STORE_THROTTLED';
    case 501:
      return 'OBJECT_REJECTED';
    case 507:
      return 'DISK_FULL';
    default:
      return status >= 400 && status < 500 ? 'OBJECT_REJECTED' : 'OBJECT_STORE_UNAVAILABLE';
  }
}

/**
 * Whether what was asked may have been carried out: the server failed while it worked on it, or its answer
 * cannot be read. A server that says why it refuses has not done it.
 */
export const mayBeDone = ({ name, status }: FailedAnswer): boolean => {
  if (codeByName.has(name)) return name === 'InternalError';
  return status < 300 || (status >= 500 && ![501, 503, 507].includes(status));
};

/**
 * Reads what the client throws.
 * @param now  of the clock that requests are signed with
 */
export function readFailure(error: unknown, now: Date): FailedAnswer {
  const { name, message, $fault, $metadata, $response, Region } = error as ThrownByClient;
  const headers = $response?.headers ?? {};
  const date = Date.parse(headers['date'] ?? '');
  return {
    name: typeof name === 'string' ? name : 'Unknown',
    // The client's word for none.
    message: $fault === undefined || message === 'UnknownError' ? null : (message ?? null),
    status: $metadata?.httpStatusCode ?? 0,
    region: headers['x-amz-bucket-region'] ?? (typeof Region === 'string' ? Region : null),
    requestId: $metadata?.requestId ?? null,
    retryAfterMs: readRetryAfter(headers['retry-after'], now),
    skewMs: Number.isNaN(date) ? 0 : date - now.getTime(),
  };
}

/** What errors of the client may have; those of other origin have none of it. */
interface ThrownByClient {
  readonly name?: unknown;
  readonly message?: string;
  /** Only where the server answered with an error. */
  readonly $fault?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  /** Where the server names the region the bucket is in. */
  readonly Region?: unknown;
}

/** Seconds or an HTTP date. */
function readRetryAfter(text: string | undefined, now: Date): number | null {
  if (text === undefined) return null;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
