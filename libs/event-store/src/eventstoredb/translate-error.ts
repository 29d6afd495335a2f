import { ErrorType } from '@eventstore/db-client';
import { HoldfastError, isHoldfastError } from '@holdfast/domain';

/** gRPC's own codes, for errors that the client has not translated. */
const GRPC = { PERMISSION_DENIED: 7, UNAUTHENTICATED: 16, INVALID_ARGUMENT: 3 } as const;

interface ClientFailure {
  readonly type?: string;
  readonly code?: number;
  readonly message: string;
}

/**
 * What a failure of the client means. Whatever is not known to be permanent may pass: a server that is not
 * ready is told as unknown, one that is not there without a type.
 * @param attempted  such as `to append to content-a.json`
 * @param server     address, without credentials
 */
export function translateError(error: unknown, attempted: string, server: string): HoldfastError {
  if (isHoldfastError(error)) return error;
  const { type, code, message } = error as ClientFailure;
  const options = { context: { server, type, grpcCode: code }, cause: error };
  if (type === ErrorType.ACCESS_DENIED || code === GRPC.PERMISSION_DENIED || code === GRPC.UNAUTHENTICATED) {
    return new HoldfastError(
      'EVENT_STORE_ACCESS_DENIED',
      `The event log at ${server} did not let this process in ${attempted}. Check the name and password in its URL; reading $all needs the group $admins or an ACL of its own.`,
      options,
    );
  }
  switch (type) {
    case ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED:
      return new HoldfastError(
        'EVENT_INVALID',
        `The event log at ${server} took the events to be too large ${attempted}. Its MaxAppendSize must be 1 MiB at least.`,
        options,
      );
    case ErrorType.STREAM_DELETED:
      return new HoldfastError(
        'LOG_MISMATCH',
        `The event log at ${server} failed ${attempted}: somebody deleted the stream on the server, which Holdfast never does. Restore the server from a backup.`,
        options,
      );
    case ErrorType.INVALID_ARGUMENT:
    case ErrorType.UNSUPPORTED:
      return new HoldfastError(
        'INTERNAL',
        `The event log at ${server} refused the call ${attempted}: ${message}`,
        options,
      );
    case undefined:
    default:
      return unavailable(server, attempted, message === '' ? (type ?? 'no reason given') : message, options);
  }
}

export const unavailable = (
  server: string,
  attempted: string,
  why: string,
  options: { context?: Record<string, unknown>; cause?: unknown } = {},
): HoldfastError =>
  new HoldfastError(
    'EVENT_STORE_UNAVAILABLE',
    `The event log at ${server} did not answer ${attempted}: ${why}. It is tried again.`,
    options,
  );

/** A position at which no event begins. */
export const isNoPosition = (error: unknown): boolean =>
  (error as ClientFailure).code === GRPC.INVALID_ARGUMENT;
