import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { TREE_PAGE, type TreeEntry, treePageQuery, type TreeQuestion } from './content-queries.ts';
import { countRows, FIRST_PAGE, type KnownPage, learn } from './tree-pages.ts';

/** Rows shown for a page that has yet to come. */
const UNSEEN_ROWS = 12;

export interface KnownTree {
  readonly rows: number;
  readonly isWhole: boolean;
  readonly pages: readonly KnownPage[];
  readonly setPages: (pages: readonly KnownPage[]) => void;
}

/** How long a level of the tree is, as far as it was looked at. */
export function useKnownTree(question: TreeQuestion): KnownTree {
  const queries = useQueryClient();
  const [pages, setPages] = useState(() => {
    // Who comes back to the list finds it as long as it was.
    let known = FIRST_PAGE;
    for (let index = 0; index < known.length; index += 1) {
      const page = queries.getQueryData(treePageQuery(question, known[index]!.cursor).queryKey);
      if (page === undefined) break;
      known = learn(known, index, { next: page.next, length: page.entries.length });
    }
    return known;
  });
  const rows = countRows(pages, TREE_PAGE, UNSEEN_ROWS);
  return { rows, isWhole: pages.at(-1)!.length !== null, pages, setPages };
}

/**
 * What stands in the rows that are looked at: only their pages are asked for, kept up to date, and remembered.
 */
export function useTreeEntries(
  question: TreeQuestion,
  { pages, setPages }: KnownTree,
  looked: { first: number; last: number },
): { entryAt: (row: number) => TreeEntry | undefined; error: Error | null; retry: () => void } {
  const pageOf = (row: number): number => Math.min(Math.floor(row / TREE_PAGE), pages.length - 1);
  const from = pageOf(looked.first);
  const shown = pages.slice(from, pageOf(looked.last) + 1);
  const results = useQueries({ queries: shown.map(({ cursor }) => treePageQuery(question, cursor)) });
  const learnt = results.reduce(
    (known, { data }, index) =>
      data === undefined
        ? known
        : learn(known, from + index, { next: data.next, length: data.entries.length }),
    pages,
  );
  if (learnt !== pages) setPages(learnt);
  const failed = results.find(({ error }) => error !== null);
  return {
    entryAt: (row) => results[Math.floor(row / TREE_PAGE) - from]?.data?.entries[row % TREE_PAGE],
    error: failed?.error ?? null,
    retry: () => void failed?.refetch(),
  };
}
