import { setImmediate } from 'node:timers/promises';
import type { Catalog, CatalogDocument } from '@holdfast/catalog';
import type { ExpectedDocument, KnownPut } from '@holdfast/domain';

export type ExpectedCatalog = Pick<Catalog, 'documents' | 'replication'>;

/** Whether the bucket should have the document's newest version by now. */
export type ReplicationState = 'settled' | 'lagging' | 'givenUp';

/** What the log wants of one path, on disk and in the bucket. */
export interface Expected extends ExpectedDocument {
  readonly replication: ReplicationState;
  readonly put: KnownPut;
}

const UNKNOWN: KnownPut = { etag: null, storedMs: null };
/** Short, for the same reasons as the pages of a scan. */
const PAGE = 25;

/** Every published document in the order of the paths; the catalog is asked page by page. */
export async function* expectedPages(catalog: ExpectedCatalog): AsyncGenerator<readonly Expected[]> {
  for await (const page of publishedPages(catalog)) {
    yield page.map((document) => toExpected(catalog, document));
  }
}

/** As the catalog has them. */
export async function* publishedPages(
  catalog: Pick<Catalog, 'documents'>,
): AsyncGenerator<readonly CatalogDocument[]> {
  for (let after: string | null = null; ;) {
    const page: CatalogDocument[] = catalog.documents({
      prefix: '',
      after,
      limit: PAGE,
      status: 'published',
    });
    yield page;
    after = page.at(-1)?.path ?? null;
    if (after === null) return;
    await setImmediate();
  }
}

/** Streams with events that this program cannot read: nobody knows what they want. */
export function unreadableStreams(catalog: Pick<Catalog, 'unreadable'>): ReadonlySet<string> {
  const { events } = catalog.unreadable(catalog.unreadable(0).count);
  return new Set(events.map(({ stream }) => stream));
}

/** @param document  a published one */
export function toExpected(catalog: Pick<Catalog, 'replication'>, document: CatalogDocument): Expected {
  const { path, version, position, sha256, md5, bytes, contentType, onCdn } = document;
  const before = version === 0 ? null : catalog.replication(path, version - 1);
  return {
    path,
    version,
    position,
    sha256: sha256!,
    md5: md5!,
    bytes: bytes!,
    contentType: contentType!,
    // Null too where the version before is a deletion, or cannot be read: then there is no `.prev`.
    previousSha256: before?.localSha256 ?? null,
    replication: replicationOf(catalog, document),
    put: onCdn?.version === version ? onCdn : UNKNOWN,
  };
}

/** Of a published document or of a deleted one, whose object should be gone. */
export function replicationOf(
  catalog: Pick<Catalog, 'replication'>,
  { path, version, onCdn }: Pick<CatalogDocument, 'path' | 'version' | 'onCdn'>,
): ReplicationState {
  if (onCdn?.version === version) return 'settled';
  const status = catalog.replication(path, version)?.status;
  if (status === 'success') return 'settled';
  return status === 'dead-letter' ? 'givenUp' : 'lagging';
}
