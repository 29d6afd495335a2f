import type { PreparedDocument } from './document.ts';
import type { ContentDirectory, ContentPath } from './path.ts';

/** What the client says it saw; null where it said nothing. */
export interface Precondition {
  /** `If-Match`: the version the document must have now. */
  readonly ifMatch: number | null;
  /** `If-None-Match: *`: there must be no published document now. */
  readonly ifNoneMatch: boolean;
}

export const NO_PRECONDITION: Precondition = { ifMatch: null, ifNoneMatch: false };

export interface PublishContent {
  readonly type: 'PublishContent';
  readonly path: ContentPath;
  readonly document: PreparedDocument;
  readonly precondition: Precondition;
}

export interface DeleteContent {
  readonly type: 'DeleteContent';
  readonly path: ContentPath;
  readonly reason: string;
  /** Set when this is one of many in a directory's deletion. */
  readonly directory: ContentDirectory | null;
  readonly precondition: Precondition;
}

export type ContentCommand = PublishContent | DeleteContent;
