/** A page of a list by its cursor, and how many entries it was found to have; null: it was not seen yet. */
export interface KnownPage {
  readonly cursor: string | null;
  readonly length: number | null;
}

export interface SeenPage {
  readonly next: string | null;
  readonly length: number;
}

export const FIRST_PAGE: readonly KnownPage[] = [{ cursor: null, length: null }];

/**
 * What is known of the list after a page of it was seen, perhaps once more: where it ends now, and where the next one
 * begins. Pages after that stay, so that the list does not jump; each mends the next when it is seen.
 * @returns the same array where nothing is new
 */
export function learn(
  pages: readonly KnownPage[],
  index: number,
  { next, length }: SeenPage,
): readonly KnownPage[] {
  const page = pages[index];
  if (page === undefined) return pages;
  const following = pages[index + 1];
  if (page.length === length && (following?.cursor ?? null) === next) return pages;
  const before = [...pages.slice(0, index), { ...page, length }];
  if (next === null) return before;
  const after = following === undefined ? { cursor: next, length: null } : { ...following, cursor: next };
  return [...before, after, ...pages.slice(index + 2)];
}

/** The first row of each page, and at the end how many rows there are; `unseen` of them for a page that has yet to come. */
export function startsOf(pages: readonly KnownPage[], unseen: number): number[] {
  const starts = [0];
  for (const { length } of pages) starts.push(starts.at(-1)! + (length ?? unseen));
  return starts;
}

/** The page a row stands on. A page may have no rows at all, and another one after it. */
export const pageAt = (starts: readonly number[], row: number): number =>
  Math.max(
    0,
    starts.findLastIndex((start, page) => start <= row && page < starts.length - 1),
  );
