import { createHash } from 'node:crypto';
import { HoldfastError } from '../errors.ts';
import { readJsonText } from './json-text.ts';
import { findKindProblems, type KindChecks, kindOf } from './kinds.ts';
import { LINK_SCHEME, replaceLinks } from './links.ts';
import type { ContentPath } from './path.ts';

export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** A document that may be published: the bytes to store and all that is said about them in the event. */
export interface PreparedDocument {
  readonly path: ContentPath;
  readonly contentType: string;
  /** What is stored: what was received, byte for byte, but for the links. */
  readonly body: Uint8Array;
  readonly bytes: number;
  /** Lower-case hex, of the stored bytes. */
  readonly sha256: string;
  /** Lower-case hex, of the stored bytes. */
  readonly md5: string;
  /** Lower-case hex, of the bytes as received. */
  readonly sourceSha256: string;
  readonly links: readonly ContentPath[];
  /** What the kind's schema had to say, where it only warns. */
  readonly warnings: readonly string[];
}

/**
 * Checks received bytes and makes of them what will be stored. A pure function: no clock, host name
 * or version goes into the bytes.
 * @throws DOCUMENT_TOO_LARGE, JSON_INVALID, JSON_TOO_DEEP, TOO_MANY_LINKS, DOCUMENT_REFUSED,
 *         CONTENT_TYPE_UNSUPPORTED
 */
export function prepareDocument(input: {
  path: ContentPath;
  contentType: string;
  bytes: Uint8Array;
  checks?: KindChecks;
}): PreparedDocument {
  const { path, bytes: source } = input;
  if (source.length > MAX_DOCUMENT_BYTES) throw documentTooLarge(path, source.length);
  const { text, value, strings } = readJsonText(source, LINK_SCHEME);
  const replaced = replaceLinks(path, text, strings);
  const warnings = checkKind(path, value, replaced.malformed, input.checks ?? {});
  const isChanged = replaced.text !== text;
  const body = isChanged ? Buffer.from(replaced.text) : source;
  if (body.length > MAX_DOCUMENT_BYTES) throw documentTooLarge(path, body.length);
  const sourceSha256 = sha256Of(source);
  return {
    path,
    contentType: parseContentType(input.contentType),
    body,
    bytes: body.length,
    sha256: isChanged ? sha256Of(body) : sourceSha256,
    md5: createHash('md5').update(body).digest('hex'),
    sourceSha256,
    links: replaced.links,
    warnings,
  };
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const CONTENT_TYPE = /^application\/(?:json|[a-z0-9][a-z0-9.-]*\+json)$/;

/**
 * `application/json` or a `+json` type, lower-case; a `charset` of utf-8 is dropped, as JSON has no other.
 * @throws CONTENT_TYPE_UNSUPPORTED
 */
export function parseContentType(header: string): string {
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  const isUtf8 = parameters.every((parameter) => parameter === '' || /^charset="?utf-8"?$/.test(parameter));
  if (CONTENT_TYPE.test(type) && isUtf8) return type;
  throw new HoldfastError(
    'CONTENT_TYPE_UNSUPPORTED',
    `The content type ${JSON.stringify(header.slice(0, 100))} is not JSON in UTF-8; send application/json.`,
  );
}

function checkKind(path: ContentPath, value: unknown, malformed: string[], checks: KindChecks): string[] {
  const kind = kindOf(path)?.kind;
  const check = kind === undefined ? 'off' : (checks[kind] ?? 'warn');
  if (check === 'off') return [];
  const problems = findKindProblems(path, value, malformed);
  if (check === 'refuse' && problems.length > 0) {
    throw new HoldfastError('DOCUMENT_REFUSED', `The document ${path} is refused: ${problems.join(' ')}`, {
      context: { path, problems: problems.slice(0, 20) },
    });
  }
  return problems.slice(0, 20);
}

export const documentTooLarge = (path: string, bytes: number): HoldfastError =>
  new HoldfastError(
    'DOCUMENT_TOO_LARGE',
    `The document ${path} has ${bytes} bytes; at most ${MAX_DOCUMENT_BYTES} (16 MiB) are allowed.`,
    { context: { path, bytes } },
  );
