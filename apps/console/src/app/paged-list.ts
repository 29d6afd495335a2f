import { type QueryFunction, type QueryKey, useQueries, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { FIRST_PAGE, type KnownPage, learn, pageAt, startsOf } from './known-pages.ts';

/** Rows shown for a page that has yet to come. */
const UNSEEN_ROWS = 12;

export interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly next: string | null;
}

/** The question for the page at a cursor; null: the first one. */
export type PageQuery<Entry> = (cursor: string | null) => {
  readonly queryKey: QueryKey;
  readonly queryFn: QueryFunction<Page<Entry>>;
  readonly gcTime?: number;
  readonly staleTime?: number;
};

export interface KnownList {
  readonly rows: number;
  readonly isWhole: boolean;
  readonly pages: readonly KnownPage[];
  readonly setPages: (pages: readonly KnownPage[]) => void;
}

/** How long a list is, as far as it was looked at. To be mounted anew for another question. */
export function useKnownList<Entry>(pageQuery: PageQuery<Entry>): KnownList {
  const queries = useQueryClient();
  const [pages, setPages] = useState(() => {
    // Who comes back to the list finds it as long as it was.
    let known = FIRST_PAGE;
    for (let index = 0; index < known.length; index += 1) {
      const page = queries.getQueryData<Page<Entry>>(pageQuery(known[index]!.cursor).queryKey);
      if (page === undefined) break;
      known = learn(known, index, { next: page.next, length: page.entries.length });
    }
    return known;
  });
  const rows = startsOf(pages, UNSEEN_ROWS).at(-1)!;
  return { rows, isWhole: pages.at(-1)!.length !== null, pages, setPages };
}

/**
 * What stands in the rows that are looked at: only their pages are asked for, kept up to date, and remembered.
 */
export function useEntries<Entry>(
  pageQuery: PageQuery<Entry>,
  { pages, setPages }: KnownList,
  looked: { first: number; last: number },
): { entryAt: (row: number) => Entry | undefined; error: Error | null; retry: () => void } {
  const starts = startsOf(pages, UNSEEN_ROWS);
  const from = pageAt(starts, looked.first);
  const shown = pages.slice(from, pageAt(starts, looked.last) + 1);
  const results = useQueries({ queries: shown.map(({ cursor }) => pageQuery(cursor)) });
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
    entryAt: (row) => {
      const page = pageAt(starts, row);
      return results[page - from]?.data?.entries[row - starts[page]!];
    },
    error: failed?.error ?? null,
    retry: () => void failed?.refetch(),
  };
}
