import type { ContentEvent, LogPage, Position, UnreadableEvent } from '@holdfast/domain';

/** By stream, not by type: an event of a type this program does not know must be met, as unreadable. */
export const CONTENT_FILTER = { streamPrefixes: ['content-'] } as const;

/** What the log wants of one path. */
export interface Wanted {
  /** The newest known event of the path, with its body. */
  readonly event: ContentEvent;
  /** The event right before it, where it is at hand. */
  readonly before?: ContentEvent;
  /** As long as this is unfinished, the checkpoint stays here: the position before the path's first unfinished event. */
  readonly resumeAfter: Position | null;
}

/**
 * Folds a page into one change per path: the newest event wins.
 * @param after  where the page begins, exclusive
 */
export function foldPage(
  page: LogPage,
  after: Position | null,
): { wanted: Wanted[]; unreadable: UnreadableEvent[] } {
  const wanted = new Map<string, Wanted>();
  const unreadable: UnreadableEvent[] = [];
  let resumeAfter = after;
  for (const event of page.events) {
    if (event.type === 'Unreadable') unreadable.push(event);
    if (event.type === 'ContentPublished' || event.type === 'ContentDeleted') {
      const { path } = event.data;
      const known = wanted.get(path);
      const isNext = known?.event.version === event.version - 1;
      wanted.set(path, {
        event,
        ...(isNext ? { before: known.event } : {}),
        resumeAfter: known === undefined ? resumeAfter : known.resumeAfter,
      });
    }
    resumeAfter = event.position;
  }
  return { wanted: [...wanted.values()], unreadable };
}
