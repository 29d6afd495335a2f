import { type Queries, type Row, where } from './queries.ts';
import type { CatalogDocument, ObjectOnCdn } from './rows.ts';

export interface DocumentsQuestion {
  /** A string prefix of the path; empty for all. */
  readonly prefix: string;
  /** The path to go on after, exclusive. */
  readonly after: string | null;
  readonly limit: number;
  readonly status?: 'published' | 'deleted' | undefined;
}

export function findDocument(queries: Queries, path: string): CatalogDocument | null {
  const row = queries.one('SELECT * FROM documents WHERE path = ?', [path]);
  return row === undefined ? null : toDocument(row);
}

/** In the order of the paths' UTF-8 bytes. */
export function listDocuments(queries: Queries, question: DocumentsQuestion): CatalogDocument[] {
  const { prefix, after, limit, status } = question;
  const { sql, values } = where([
    ['path >= ?', prefix],
    // SQLite compares text as UTF-8 bytes; U+10FFFF stands in no path and sorts after all that do.
    ['path < ?', prefix === '' ? undefined : `${prefix}\u{10ffff}`],
    ['path > ?', after ?? undefined],
    ['status = ?', status],
  ]);
  return queries
    .all(`SELECT * FROM documents WHERE ${sql} ORDER BY path LIMIT ?`, [...values, limit])
    .map(toDocument);
}

function toDocument(row: Row): CatalogDocument {
  return {
    path: row['path']!,
    status: row['status']!,
    version: row['version']!,
    position: row['position']!,
    at: row['at']!,
    actor: row['actor']!,
    contentType: row['content_type']!,
    bytes: row['bytes']!,
    sha256: row['sha256']!,
    md5: row['md5']!,
    sourceSha256: row['source_sha256']!,
    onCdn: toObjectOnCdn(row),
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
