import { listDocuments } from './documents.ts';
import { type Queries, where } from './queries.ts';
import type { CatalogDocument } from './rows.ts';

/** One level of the paths below a prefix: its documents, and the directories that hold the rest. */
export interface TreeQuestion {
  /** A string prefix of the path; empty for all. What follows it up to the next slash is one level. */
  readonly prefix: string;
  /** The path of the entry to go on after, exclusive. */
  readonly after: string | null;
  readonly limit: number;
  readonly status?: 'published' | 'deleted' | undefined;
}

export type TreeEntry =
  | { readonly kind: 'document'; readonly document: CatalogDocument }
  | { readonly kind: 'directory'; readonly path: string; readonly documents: CountUpTo };

/** Counting ends at a limit, so that it takes no longer where there is more. */
export interface CountUpTo {
  readonly count: number;
  readonly isAtLeast: boolean;
}

/** What is published below a prefix, and what a deletion of it would take away. */
export interface BelowPrefix {
  readonly documents: CountUpTo;
  /** Of the documents that were counted. */
  readonly bytes: number;
  readonly onCdn: number;
}

const MAX_COUNTED_EACH = 1_000;
const MAX_COUNTED_BELOW = 100_000;

/** Sorts after every path of the directory, as U+10FFFF stands in no path. */
const endOf = (directory: string): string => `${directory}\u{10ffff}`;

/**
 * In the order of the paths' UTF-8 bytes. A directory is passed by a step over all it holds, so that the work is
 * that of the page, whatever lies below.
 */
export function listTree(queries: Queries, question: TreeQuestion): TreeEntry[] {
  const { prefix, limit, status } = question;
  const entries: TreeEntry[] = [];
  let after = question.after?.endsWith('/') === true ? endOf(question.after) : question.after;
  // Where one directory follows another each row read ahead would be wasted; where documents do, none.
  let ahead = 1;
  while (entries.length < limit) {
    const documents = listDocuments(queries, { prefix, after, status, limit: ahead });
    if (documents.length === 0) break;
    ahead = Math.min(2 * ahead, limit - entries.length);
    for (const document of documents) {
      const { path } = document;
      if (entries.length === limit) break;
      const slash = path.indexOf('/', prefix.length);
      if (slash !== -1) {
        const directory = path.slice(0, slash + 1);
        entries.push({
          kind: 'directory',
          path: directory,
          documents: countBelow(queries, directory, status),
        });
        after = endOf(directory);
        ahead = 1;
        break;
      }
      entries.push({ kind: 'document', document });
      after = path;
    }
  }
  return entries;
}

function countBelow(queries: Queries, prefix: string, status: TreeQuestion['status']): CountUpTo {
  const { sql, values } = below(prefix, status);
  const row = queries.one(`SELECT count(*) AS count FROM (SELECT 1 FROM documents WHERE ${sql} LIMIT ?)`, [
    ...values,
    MAX_COUNTED_EACH + 1,
  ]);
  return upTo(row?.['count'] ?? 0, MAX_COUNTED_EACH);
}

export function describeBelow(queries: Queries, prefix: string): BelowPrefix {
  const { sql, values } = below(prefix, 'published');
  const row = queries.one(
    `SELECT count(*) AS count, coalesce(sum(bytes), 0) AS bytes, count(cdn_version) AS on_cdn
     FROM (SELECT bytes, cdn_version FROM documents WHERE ${sql} LIMIT ?)`,
    [...values, MAX_COUNTED_BELOW + 1],
  )!;
  return {
    documents: upTo(row['count']!, MAX_COUNTED_BELOW),
    bytes: row['bytes']!,
    onCdn: row['on_cdn']!,
  };
}

const below = (prefix: string, status: TreeQuestion['status']) =>
  where([
    ['path >= ?', prefix],
    ['path < ?', endOf(prefix)],
    ['status = ?', status],
  ]);

const upTo = (count: number, max: number): CountUpTo => ({
  count: Math.min(count, max),
  isAtLeast: count > max,
});
