import type { EventOf } from '../events.ts';

export type ContentEvent = EventOf<'ContentPublished'> | EventOf<'ContentDeleted'>;

/** A document as its stream has it. Each content event carries the whole state, so the last one is enough. */
export type ContentState =
  | { readonly status: 'never-published'; readonly version: null }
  | {
      readonly status: 'published';
      readonly version: number;
      readonly published: EventOf<'ContentPublished'>;
    }
  | { readonly status: 'deleted'; readonly version: number; readonly deleted: EventOf<'ContentDeleted'> };

export const initialContent: ContentState = { status: 'never-published', version: null };
