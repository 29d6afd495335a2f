import type { Precondition } from '@holdfast/domain';
import type { FastifyRequest } from 'fastify';
import { requestInvalid } from './problems.ts';

/**
 * `If-Match: "<version>"` and `If-None-Match: *`.
 * @throws REQUEST_INVALID
 */
export function readPrecondition({ headers }: FastifyRequest): Precondition {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  const version = ifMatch === undefined ? null : (/^"(\d{1,15})"$/.exec(ifMatch.trim())?.[1] ?? 'malformed');
  if (version === 'malformed') {
    throw requestInvalid(
      `If-Match names the version the document has to have, in quotes: If-Match: "3". ${JSON.stringify(ifMatch?.slice(0, 100))} does not.`,
    );
  }
  if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== '*') {
    throw requestInvalid('If-None-Match can only be * here: there has to be no document.');
  }
  if (version !== null && ifNoneMatch !== undefined) {
    throw requestInvalid('If-Match and If-None-Match exclude each other.');
  }
  return { ifMatch: version === null ? null : Number(version), ifNoneMatch: ifNoneMatch !== undefined };
}

/**
 * @returns the key, or null
 * @throws  REQUEST_INVALID
 */
export function readIdempotencyKey({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw requestInvalid('An Idempotency-Key has 1 to 200 visible ASCII characters.');
}
