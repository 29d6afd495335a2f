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

/** Every page but the last is full. */
export const countRows = (pages: readonly KnownPage[], pageSize: number, unseen: number): number =>
  (pages.length - 1) * pageSize + (pages.at(-1)?.length ?? unseen);
