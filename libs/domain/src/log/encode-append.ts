import { HoldfastError } from '../errors.ts';
import { encodeEvent, type NewEvent } from '../events.ts';
import type { ExpectedVersion } from '../ports/event-store.ts';
import { type BodyChunk, type BodyReference, cutBody, fitsInEvent } from './body-chunks.ts';

/** An event as it is stored, its body inside or, if it is too large for that, cut into chunks. */
export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly v: number;
  /** JSON text. */
  readonly data: string;
  /** JSON text. */
  readonly metadata: string;
  readonly body: Uint8Array | null;
  /** To be written before the event. */
  readonly cut: { readonly reference: BodyReference; readonly chunks: readonly BodyChunk[] } | null;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * What every event store does with an append first: checks all that can be checked before it is tried, and cuts large bodies.
 * @throws EVENT_INVALID
 */
export function encodeAppend(
  stream: string,
  events: readonly NewEvent[],
  expectedVersion: ExpectedVersion,
): EncodedEvent[] {
  const ids = new Set(events.map(({ id }) => id));
  if (stream === '' || !stream.isWellFormed())
    throw invalid(stream, 'the name of the stream is empty or no text');
  if (events.length === 0) throw invalid(stream, 'there are none');
  if (ids.size < events.length) throw invalid(stream, 'two of them have the same id');
  if (
    typeof expectedVersion === 'number' &&
    !(Number.isSafeInteger(expectedVersion) && expectedVersion >= 0)
  ) {
    throw invalid(stream, `${expectedVersion} is no version`);
  }
  return events.map((event) => {
    if (!UUID.test(event.id))
      throw invalid(stream, `the id ${JSON.stringify(event.id)} is no lower-case UUID`);
    const { id, type, body } = event;
    const encoded = { id, type, ...encodeEvent(event) };
    if (body === undefined) return { ...encoded, body: null, cut: null };
    if (type === 'BodyChunk' || fitsInEvent(body)) return { ...encoded, body, cut: null };
    return { ...encoded, body: null, cut: cutBody(body) };
  });
}

const invalid = (stream: string, why: string): HoldfastError =>
  new HoldfastError('EVENT_INVALID', `The events for ${JSON.stringify(stream)} cannot be appended: ${why}.`, {
    context: { stream },
  });

/** JSON text of a chunk's data. */
export const encodeChunkData = (chunk: BodyChunk, reference: BodyReference): string =>
  JSON.stringify({ index: chunk.index, count: reference.chunks });
