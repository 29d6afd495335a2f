import type { ContentEvent, ContentState } from './state.ts';

export function evolveContent(_state: ContentState, event: ContentEvent): ContentState {
  switch (event.type) {
    case 'ContentPublished':
      return { status: 'published', version: event.version, published: event };
    case 'ContentDeleted':
      return { status: 'deleted', version: event.version, deleted: event };
  }
}
