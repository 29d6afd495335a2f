import { HoldfastError, isHoldfastError } from '@holdfast/domain';
import { codeOf, type FailedAnswer, mayBeDone, readFailure, type S3ErrorCode } from './s3-answer.ts';
import { placeContext, placeText, type S3Call, type S3Place } from './s3-place.ts';
import { ExchangeFailed } from './s3-transport.ts';

/**
 * What went wrong, as the object store port names it.
 * @param now  of the clock that requests are signed with
 */
export function translateS3Error(error: unknown, place: S3Place, call: S3Call, now: Date): HoldfastError {
  if (isHoldfastError(error)) return error;
  if (error instanceof ExchangeFailed) return exchangeFailed(error, place, call);
  const answer = readFailure(error, now);
  const code = codeOf(answer, place, call);
  const { name, status, region, requestId, retryAfterMs } = answer;
  const context = {
    ...(call.isWrite && mayBeDone(answer) ? { outcome: 'unknown' } : {}),
    serverCode: name,
    ...(status === 0 ? {} : { status }),
    ...(requestId === null ? {} : { requestId }),
    ...(region === null ? {} : { region }),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  };
  return failure(code, place, call, {
    why: whyOf(code, answer, place, error),
    context,
    cause: withoutFields(error),
  });
}

/**
 * An answer that says it went well and lacks what it must have.
 * @param lacking  `no ETag`
 */
export const answerUnreadable = (place: S3Place, call: S3Call, lacking: string): HoldfastError =>
  failure('OBJECT_STORE_UNAVAILABLE', place, call, {
    why: `the answer has ${lacking}, so nobody knows what happened. Check what answers at that address; Holdfast tries again by itself.`,
    context: call.isWrite ? { outcome: 'unknown' } : {},
  });

export const bucketUnsupported = (place: S3Place, why: string): HoldfastError =>
  new HoldfastError(
    'BUCKET_UNSUPPORTED',
    `The bucket ${placeText(place)} cannot hold a replica: ${why}. Name a general purpose bucket in HOLDFAST_BUCKET and start again.`,
    { context: placeContext(place) },
  );

/** Found before anything is sent. */
export const hashMismatch = (key: string, place: S3Place, expected: string, actual: string): HoldfastError =>
  new HoldfastError(
    'HASH_MISMATCH',
    `${key} was not stored in the bucket ${placeText(place)}: its bytes have MD5 ${actual}, ${expected} was announced. Read the file again and repeat.`,
    { context: { ...placeContext(place), key, expected, actual } },
  );

function exchangeFailed(error: ExchangeFailed, place: S3Place, call: S3Call): HoldfastError {
  const isUnknown = call.isWrite && error.wasSent;
  return failure(
    error.failure === 'timeout' ? 'OBJECT_STORE_TIMEOUT' : 'OBJECT_STORE_UNAVAILABLE',
    place,
    call,
    {
      why: `${whyNoAnswer(error)}${isUnknown ? ' What was asked may have happened all the same.' : ''}`,
      context: isUnknown ? { outcome: 'unknown' } : {},
      cause: error.cause ?? error,
    },
  );
}

function whyNoAnswer({ failure: what, wasSent, cause }: ExchangeFailed): string {
  const advice = 'Check HOLDFAST_S3_ENDPOINT and the network; Holdfast tries again by itself.';
  switch (what) {
    case 'closed':
      return 'it is closed.';
    case 'given up':
      return 'it was given up.';
    case 'timeout':
      return wasSent
        ? 'the server did not answer in time, which HOLDFAST_S3_TIMEOUT sets. Holdfast tries again by itself.'
        : `no connection was made in time. ${advice}`;
    case 'network':
      return `${wasSent ? 'the connection broke' : 'no connection could be made'} (${reasonOf(cause)}). ${advice}`;
  }
}

function whyOf(code: S3ErrorCode, answer: FailedAnswer, place: S3Place, error: unknown): string {
  const { name, status, message, region, skewMs } = answer;
  const said = `${name === 'Unknown' || name === '' ? '' : `${name}, `}status ${status}${message === null ? '' : `: ${message.slice(0, 500)}`}`;
  switch (code) {
    case 'OBJECT_STORE_THROTTLED':
      return `the server asks to slow down (${said}). Holdfast tries again by itself; lower HOLDFAST_CDN_CONCURRENCY if it stays.`;
    case 'OBJECT_STORE_TIMEOUT':
      return `the server gave up waiting for the request (${said}). Holdfast tries again by itself.`;
    case 'OBJECT_STORE_UNAVAILABLE':
      return `the server failed, or what it answered cannot be read (${said}). Holdfast tries again by itself.`;
    case 'BUCKET_ACCESS_DENIED':
      return `${whyDenied(name)} (${said}).`;
    case 'BUCKET_REGION_WRONG':
      return region === null
        ? `the bucket is not in the region ${place.region} (${said}). Set HOLDFAST_S3_REGION to the region it is in and start again.`
        : `the bucket is in the region ${region}, not in ${place.region} (${said}). Set HOLDFAST_S3_REGION=${region} and start again.`;
    case 'BUCKET_NOT_FOUND':
      return `there is no such bucket (${said}). Create it, or correct HOLDFAST_BUCKET or HOLDFAST_S3_ENDPOINT.`;
    case 'BUCKET_CLOCK_SKEWED':
      return `the clock of this machine and the server's are ${Math.round(Math.abs(skewMs) / 60_000)} minutes apart (${said}). Set the clock (NTP); Holdfast goes on by itself.`;
    case 'OBJECT_PRECONDITION_FAILED':
      return `another object is there than was expected, or one where none was (${said}). Look at what is there before trying again.`;
    case 'HASH_MISMATCH':
      return `the server got other bytes than were announced, and stored nothing (${said}). Holdfast tries again by itself.`;
    case 'DISK_FULL':
      return `the server has no room for it (${said}). Make room there, or raise the quota; Holdfast goes on by itself.`;
    case 'OBJECT_NOT_FOUND':
      return `there is no such object (${said}).`;
    case 'OBJECT_REJECTED':
      return `the server refuses it (${said}).`;
    case 'INTERNAL':
      return `${reasonOf(error)}. This is not expected: report it with the log line.`;
  }
}

function whyDenied(name: string): string {
  switch (name) {
    case 'InvalidAccessKeyId':
      return 'the server does not know the access key. Check HOLDFAST_S3_ACCESS_KEY_ID';
    case 'SignatureDoesNotMatch':
      return 'the secret is not the one of the access key. Check HOLDFAST_S3_SECRET_ACCESS_KEY';
    case 'ExpiredToken':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return "the machine's temporary credentials are not valid any more. Check what gives them out";
    case 'CredentialsProviderError':
    case 'TokenProviderError':
      return 'this machine has no credentials. Set HOLDFAST_S3_ACCESS_KEY_ID and HOLDFAST_S3_SECRET_ACCESS_KEY, or give it a role';
    default:
      return 'the server does not allow it. Check HOLDFAST_S3_ACCESS_KEY_ID, HOLDFAST_S3_SECRET_ACCESS_KEY and what the key may do (docs/buckets.md)';
  }
}

const failure = (
  code: S3ErrorCode,
  place: S3Place,
  { attempted, key }: S3Call,
  { why, context, cause }: { why: string; context: Record<string, unknown>; cause?: unknown },
): HoldfastError =>
  new HoldfastError(code, `It was not possible ${attempted} in the bucket ${placeText(place)}: ${why}`, {
    context: { ...placeContext(place), ...(key === undefined ? {} : { key }), ...context },
    cause,
  });

/** By shape: an error made by Node itself is no `instanceof Error` in a context of its own, as tests have. */
function reasonOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  if (typeof message === 'string' && message !== '') return message;
  return typeof code === 'string' ? code : 'no reason is given';
}

/** The original without its fields: some servers repeat the key and what was signed. */
function withoutFields(error: unknown): Error {
  const { name, stack } = error as { name?: unknown; stack?: unknown };
  const cause = new Error(reasonOf(error));
  if (typeof name === 'string') cause.name = name;
  if (typeof stack === 'string') cause.stack = stack;
  return cause;
}
