import type { ListedObject, ObjectHead } from '../ports/object-store.ts';
import type { ExpectedDocument } from './judge-local.ts';
import type { Finding } from './outcome.ts';

const MD5 = /^[0-9a-f]{32}$/;

/** What the bucket answered when this version was put, as far as that is known. */
export interface KnownPut {
  readonly etag: string | null;
  readonly storedMs: number | null;
}

/**
 * What a listing alone says of an object; `look`: nothing certain, it has to be asked for.
 */
export function judgeListed(
  expected: ExpectedDocument,
  listed: ListedObject | null,
  known: KnownPut & { etagIsMd5: boolean },
): 'same' | 'missing' | 'different' | 'look' {
  if (listed === null) return 'missing';
  if (listed.bytes !== expected.bytes) return 'different';
  const hasItsMd5 = known.etagIsMd5 && listed.etag === expected.md5;
  if (known.etagIsMd5 && !hasItsMd5 && MD5.test(listed.etag)) return 'different';
  const hasItsBytes = hasItsMd5 || (known.etag !== null && listed.etag === known.etag);
  return hasItsBytes && isAsPut(listed, known) ? 'same' : 'look';
}

/** Written since, with the same bytes, it may have other headers. */
const isAsPut = ({ modifiedMs }: ListedObject, { storedMs }: KnownPut): boolean =>
  modifiedMs !== null && storedMs !== null && modifiedMs <= storedMs;

/** An object that was asked for; with the hash of its bytes where they were downloaded, else null. */
export interface FoundObject {
  readonly head: ObjectHead;
  readonly sha256: string | null;
}

/**
 * Whether an object is a later version of a document than its log has: the log was put back from an older backup, and
 * the bucket may hold the only copy.
 */
export const isAheadOfLog = (
  { metadata }: Pick<ObjectHead, 'metadata'>,
  { version, logId }: { version: number; logId: string },
): boolean => metadata['holdfast-log'] === logId && Number(metadata['version']) > version;

/** What is wrong with an object: its bytes, or how it is stored. @returns null where nothing is */
export function judgeObject(
  expected: ExpectedDocument,
  found: FoundObject | null,
  settings: { etagIsMd5: boolean; logId: string },
): Finding | null {
  const { path, sha256, contentType, version } = expected;
  const about = { side: 'cdn', path } as const;
  if (found === null) {
    return { ...about, outcome: 'missing', subject: 'document', expected: sha256, found: null };
  }
  const { head } = found;
  if (!hasBytes(expected, found, settings.etagIsMd5)) {
    const what = found.sha256 ?? `${head.bytes} bytes with ETag ${head.etag}`.slice(0, 300);
    const isAhead = isAheadOfLog(head, { version, logId: settings.logId });
    const whose = isAhead ? `version ${head.metadata['version']}, which the log does not have: ` : '';
    return { ...about, outcome: 'different', subject: 'document', expected: sha256, found: whose + what };
  }
  const wanted: readonly (readonly [string, string, string | undefined])[] = [
    ['content-type', contentType, head.contentType],
    ['sha256', sha256, head.metadata['sha256']],
    ['version', String(version), head.metadata['version']],
    ['holdfast-log', settings.logId, head.metadata['holdfast-log']],
  ];
  const wrong = wanted.filter(([, value, actual]) => value !== actual);
  if (wrong.length === 0) return null;
  return {
    ...about,
    outcome: 'different',
    subject: 'metadata',
    expected: wrong
      .map(([name, value]) => `${name}: ${value}`)
      .join(', ')
      .slice(0, 2000),
    found: wrong
      .map(([name, , actual]) => `${name}: ${actual ?? 'none'}`)
      .join(', ')
      .slice(0, 2000),
  };
}

/** An object that the log does not want: ours to delete, or somebody else's. */
export function judgeExtraObject({ key, etag, metadata }: ObjectHead, logId: string): Finding {
  const outcome = metadata['holdfast-log'] === logId ? 'orphan' : 'foreign';
  return { side: 'cdn', outcome, path: key, subject: 'document', expected: null, found: `ETag ${etag}` };
}

function hasBytes({ sha256, md5, bytes }: ExpectedDocument, found: FoundObject, etagIsMd5: boolean): boolean {
  if (found.sha256 !== null) return found.sha256 === sha256;
  const { head } = found;
  if (head.bytes !== bytes) return false;
  if (etagIsMd5 && MD5.test(head.etag)) return head.etag === md5;
  return head.metadata['sha256'] === sha256;
}
