import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { documentTooLarge, HoldfastError, MAX_DOCUMENT_BYTES, sha256Of } from '@holdfast/domain';

export interface LocalDocument {
  /** Exactly what stands in the file. */
  readonly text: string;
  /** Lower-case hex, of the file's bytes. */
  readonly sourceSha256: string;
}

// Not through a link that took the file's place, and without waiting for whoever writes into a pipe.
const OPEN = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a document as far as it takes to send it; whether it is JSON the server says.
 * @throws DOCUMENT_TOO_LARGE, JSON_INVALID (not UTF-8), USAGE_INVALID (cannot be read)
 */
export function readDocument(path: string, file: string): LocalDocument {
  const bytes = readBytes(path, file);
  try {
    return { text: decoder.decode(bytes), sourceSha256: sha256Of(bytes) };
  } catch (cause) {
    throw new HoldfastError('JSON_INVALID', `The file ${file} is not UTF-8.`, { cause });
  }
}

function readBytes(path: string, file: string): Uint8Array {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, OPEN);
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new Error('it is no longer a file');
    if (status.size > MAX_DOCUMENT_BYTES) throw documentTooLarge(path, status.size);
    return readFileSync(descriptor);
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError(
      'USAGE_INVALID',
      `The file ${file} cannot be read: ${(cause as Error).message}.`,
      { cause },
    );
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
