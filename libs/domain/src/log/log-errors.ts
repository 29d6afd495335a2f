import { HoldfastError } from '../errors.ts';
import type { UnreadableEvent } from '../events.ts';
import type { ExpectedVersion } from '../ports/event-store.ts';

export const storeClosed = (): HoldfastError =>
  new HoldfastError('EVENT_STORE_UNAVAILABLE', 'The event log was closed by this process.');

/** @param actual  the stream's last version; null where there is no such stream */
export const versionConflict = (
  stream: string,
  expected: ExpectedVersion,
  actual: number | null,
): HoldfastError =>
  new HoldfastError(
    'STREAM_VERSION_CONFLICT',
    `The stream ${stream} was expected at version ${expected} and is at ${actual ?? 'none'}: somebody else wrote first, or part of these events is there already.`,
    { context: { stream, expected, actual } },
  );

/** An event whose data may be fine, but whose body cannot be had. */
export function bodyUnreadable(
  event: { id: string; stream: string; version: number; position: string; type: string; v: number },
  cause: Error,
): UnreadableEvent {
  const { id, stream, version, position, type, v } = event;
  const error = new HoldfastError(
    'EVENT_UNREADABLE',
    `The event ${type} at position ${position}, version ${version} of ${stream}, cannot be read: ${cause.message}.`,
    { context: { stream, version, position, type, v }, cause },
  );
  return { type: 'Unreadable', id, stream, version, position, recordedType: type, recordedV: v, error };
}
