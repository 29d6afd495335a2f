import type { ApiClient } from '../api/api-client.ts';
import type { DocumentList, ListedDocument } from '@holdfast/api/types';

const PAGE = 1000;

/** What is published below a prefix, in the order of the paths' UTF-8 bytes; one page in memory. */
export async function* listPublished(client: ApiClient, prefix: string): AsyncGenerator<ListedDocument> {
  let cursor: string | undefined;
  do {
    const { documents, next } = await client.get<DocumentList>('/v1/content', {
      prefix,
      cursor,
      limit: PAGE,
    });
    yield* documents;
    cursor = next ?? undefined;
  } while (cursor !== undefined);
}
