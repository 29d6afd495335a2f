import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { derivedEventId } from '../events.ts';

/*
 * How a body too large for its event lies in the log, whatever the store:
 *
 *   body-<sha256>   0  BodyChunk { index: 0, count: 3 }  body: the first 380 KiB
 *                   1  BodyChunk { index: 1, count: 3 }  body: the next
 *                   2  BodyChunk { index: 2, count: 3 }  body: the rest
 *   content-<path>  n  ContentPublished, with a reference { sha256, bytes, chunks: 3 } in place of its body
 *
 * Version and id of each chunk follow from the bytes alone: writing it again changes nothing, and two
 * documents with the same bytes share them.
 */

/** What stands in an event's place of a body that lies in chunks. */
export interface BodyReference {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly chunks: number;
}

export interface BodyChunk {
  /** Also its version in the stream. */
  readonly index: number;
  readonly id: string;
  readonly body: Uint8Array;
}

const MAX_ENCODED_IN_EVENT = 256 * 1024;
/** In base64, with its event around it, just below 512 KiB. */
const CHUNK_BYTES = 380 * 1024;

export const bodyStream = (sha256: string): string => `body-${sha256}`;

/** Whether a body may travel in its event: as JSON text (or base64 where it is no text) it has at most 256 KiB. */
export function fitsInEvent(body: Uint8Array): boolean {
  if (body.length > MAX_ENCODED_IN_EVENT) return false;
  // No byte takes more than six: \u0000.
  if (body.length * 6 + 2 <= MAX_ENCODED_IN_EVENT) return true;
  return encodedBytes(body) <= MAX_ENCODED_IN_EVENT;
}

/** Cuts a body that does not fit in its event. */
export function cutBody(body: Uint8Array): { reference: BodyReference; chunks: BodyChunk[] } {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const chunks: BodyChunk[] = [];
  for (let start = 0; start < body.length; start += CHUNK_BYTES) {
    const index = chunks.length;
    const id = derivedEventId('body-chunk', sha256, String(index));
    chunks.push({ index, id, body: body.subarray(start, start + CHUNK_BYTES) });
  }
  return { reference: { sha256, bytes: body.length, chunks: chunks.length }, chunks };
}

/**
 * Puts a body together again.
 * @param chunks  the bodies of the stream's events, in order
 * @throws an Error saying what is missing: never a short body
 */
export function joinBody(reference: BodyReference, chunks: readonly Uint8Array[]): Uint8Array {
  const { sha256, bytes } = reference;
  if (chunks.length !== reference.chunks) {
    throw new Error(
      `${chunks.length} of the ${reference.chunks} pieces of its body are there (${bodyStream(sha256)})`,
    );
  }
  const body = Buffer.concat(chunks);
  if (body.length !== bytes || createHash('sha256').update(body).digest('hex') !== sha256) {
    throw new Error(
      `the pieces of its body (${bodyStream(sha256)}) do not give the ${bytes} bytes that were written`,
    );
  }
  return body;
}

function encodedBytes(body: Uint8Array): number {
  if (!isUtf8(body)) return Math.ceil(body.length / 3) * 4 + 2;
  let bytes = body.length + 2;
  for (const byte of body) {
    if (byte === 0x22 || byte === 0x5c) bytes += 1;
    // \b \t \n \f \r have short escapes, other control characters \u00xx.
    else if (byte < 0x20) bytes += byte >= 0x08 && byte <= 0x0d && byte !== 0x0b ? 1 : 5;
  }
  return bytes;
}
