import { HoldfastError, readJson } from '@holdfast/domain';
import { requestInvalid } from './problems.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws JSON_INVALID */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new HoldfastError('JSON_INVALID', `${what} is not valid UTF-8.`, { cause });
  }
}

/**
 * The body of a command. As strict as with documents: a key that stands there twice is an error, not a guess.
 * @throws JSON_INVALID, JSON_TOO_DEEP, REQUEST_INVALID
 */
export function parseCommandBody(method: string, bytes: Uint8Array): unknown {
  if (method === 'DELETE') {
    // Some clients name a content type on every request.
    if (bytes.length === 0) return undefined;
    throw requestInvalid('A DELETE has no body; its reason is the query parameter "reason".');
  }
  return readJson(decodeUtf8(bytes, 'The body of the request'), '\0').value;
}
