import { compareUtf8 } from '@holdfast/domain';
import { type Queries, type Row, type Tuple, where } from './queries.ts';
import type { CatalogDocument, ObjectOnCdn } from './rows.ts';

export interface DocumentsQuestion {
  /** A string prefix of the path; empty for all. */
  readonly prefix: string;
  /** The path to go on after, exclusive. */
  readonly after: string | null;
  readonly limit: number;
  readonly status?: 'published' | 'deleted' | undefined;
}

const COLUMNS = `path, status, version, position, at, actor, content_type, bytes, sha256, md5, source_sha256,
  cdn_version, cdn_sha256, cdn_etag, cdn_at, cdn_stored_ms`;

export function findDocument(queries: Queries, path: string): CatalogDocument | null {
  const [row] = queries.tuples(`SELECT ${COLUMNS} FROM documents WHERE path = ?`, [path]);
  return row === undefined ? null : toDocument(row);
}

/** In the order of the paths' UTF-8 bytes. */
export function listDocuments(queries: Queries, question: DocumentsQuestion): CatalogDocument[] {
  const { prefix, after, limit, status } = question;
  const { sql, values } = where([
    // One bound alone: of two, SQLite begins at the first, and reads every page before this one again.
    after === null || compareUtf8(after, prefix) < 0 ? ['path >= ?', prefix] : ['path > ?', after],
    // SQLite compares text as UTF-8 bytes; U+10FFFF stands in no path and sorts after all that do.
    ['path < ?', prefix === '' ? undefined : `${prefix}\u{10ffff}`],
    ['status = ?', status],
  ]);
  return queries
    .tuples(`SELECT ${COLUMNS} FROM documents WHERE ${sql} ORDER BY path LIMIT ?`, [...values, limit])
    .map(toDocument);
}

/** @param row  of COLUMNS */
function toDocument(row: Tuple): CatalogDocument {
  const [path, status, version, position, at, actor, contentType, bytes, sha256, md5, sourceSha256] = row;
  const [cdnVersion, cdnSha256, etag, cdnAt, storedMs] = row.slice(11);
  return {
    path: path!,
    status: status!,
    version: version!,
    position: position!,
    at: at!,
    actor: actor!,
    contentType: contentType!,
    bytes: bytes!,
    sha256: sha256!,
    md5: md5!,
    sourceSha256: sourceSha256!,
    onCdn:
      cdnVersion === null
        ? null
        : { version: cdnVersion!, sha256: cdnSha256!, etag: etag!, at: cdnAt!, storedMs: storedMs! },
  };
}

export const toObjectOnCdn = (row: Row): ObjectOnCdn | null =>
  row['cdn_version'] === null
    ? null
    : {
        version: row['cdn_version']!,
        sha256: row['cdn_sha256']!,
        etag: row['cdn_etag']!,
        at: row['cdn_at']!,
        storedMs: row['cdn_stored_ms']!,
      };
