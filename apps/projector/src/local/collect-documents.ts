import type { CatalogDocument } from '@holdfast/catalog';
import {
  type ContentPath,
  contentStream,
  type EventOf,
  type EventStore,
  isPositionAtOrAfter,
  type Position,
  type UnreadableEvent,
} from '@holdfast/domain';
import { Slices } from '@holdfast/storage';
import { checkVersion, type Poison, type Published, readVersion, type ReadVersion } from './read-version.ts';
import { CONTENT_FILTER } from './wanted.ts';

/** A document as it is to stand in a tree; a deleted one has only its place in the index. */
export type Collected =
  | { readonly event: Published; readonly previous: Uint8Array | null }
  | { readonly event: EventOf<'ContentDeleted'>; readonly previous: null };

/** The part of the catalog that a replay walks. */
export interface DocumentWalk {
  readonly checkpoint: Position | null;
  caughtUp(): Promise<void>;
  documents(question: { prefix: string; after: string | null; limit: number }): CatalogDocument[];
  documentCounts(): { published: number; deleted: number };
  unreadable(limit: number): { count: number; events: { position: Position; stream: string }[] };
}

/** The log up to a position, or up to what was appended by an instant. */
export type Until = { readonly position: Position } | { readonly instant: string };

export interface CollectOptions {
  readonly store: EventStore;
  readonly catalog: DocumentWalk;
  readonly prefix: string;
  /** Absent: each document as it is when the walk comes to it. */
  readonly until?: Until;
  /** Told of each event that cannot be worked with; the version before takes its place, unless this throws. */
  readonly onPoison: (poison: Poison) => void;
  readonly signal: AbortSignal;
}

const DOCUMENTS_PER_PAGE = 256;
/** Bodies in memory at a time; one document and its version before may exceed it. */
const MAX_READ_BYTES = 4 * 1024 * 1024;
const VERSIONS_PER_PAGE = 50;

/**
 * Every document of the log, in the order of paths: walks the catalog by page and reads bodies from the log,
 * in constant memory. What is published while it walks may be met or not.
 * @returns pages; each knows how many documents were walked for it
 */
export async function* collectDocuments(
  options: CollectOptions,
): AsyncGenerator<{ collected: Collected[]; walked: number }> {
  const { catalog, prefix, signal } = options;
  const slices = new Slices();
  let after: string | null = null;
  for (;;) {
    const page = catalog.documents({ prefix, after, limit: DOCUMENTS_PER_PAGE });
    for (const part of partsOf(page)) {
      signal.throwIfAborted();
      yield { collected: await collectPart(options, part), walked: part.length };
      await slices.pause();
    }
    after = page.at(-1)?.path ?? null;
    if (page.length < DOCUMENTS_PER_PAGE) return;
  }
}

/** Content events that the catalog has passed as unreadable, and that still are. */
export async function* unreadableContent(
  { store, catalog }: Pick<CollectOptions, 'store' | 'catalog'>,
  prefix: string,
): AsyncGenerator<UnreadableEvent> {
  const streamPrefix = `${CONTENT_FILTER.streamPrefixes[0]}${prefix}`;
  for (const { position, stream } of catalog.unreadable(catalog.unreadable(0).count).events) {
    if (!stream.startsWith(streamPrefix)) continue;
    const [event] = await store.readAt([position]);
    if (event?.type === 'Unreadable') yield event;
  }
}

function* partsOf(page: readonly CatalogDocument[]): Generator<CatalogDocument[]> {
  let part: CatalogDocument[] = [];
  let bytes = 0;
  for (const document of page) {
    part.push(document);
    bytes += document.bytes ?? 0;
    if (bytes < MAX_READ_BYTES) continue;
    yield part;
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield part;
}

async function collectPart(options: CollectOptions, part: readonly CatalogDocument[]): Promise<Collected[]> {
  const { store, until } = options;
  const collected: Collected[] = [];
  const current = until === undefined ? part : part.filter((document) => isBy(document, until));
  const events = new Map(
    (
      await store.readAt(
        current.map(({ position }) => position),
        { withBodies: true },
      )
    ).map((event) => [event.position, event] as const),
  );
  for (const { path, version, position } of part) {
    const event = events.get(position);
    const found =
      event?.type === 'ContentPublished' || event?.type === 'ContentDeleted'
        ? checkVersion(event)
        : await readBy(store, path, version, until);
    const document = await withPrevious(options, path, found);
    if (document !== null) collected.push(document);
  }
  return collected;
}

const isBy = (event: { position: Position; at: string }, until: Until): boolean =>
  'position' in until
    ? isPositionAtOrAfter(until.position, event.position)
    : Date.parse(event.at) <= Date.parse(until.instant);

/** The last version of a document at or before `until`. */
async function readBy(
  store: EventStore,
  path: ContentPath,
  newest: number,
  until: Until | undefined,
): Promise<ReadVersion> {
  if (until === undefined) return readVersion(store, path, newest);
  let fromVersion = newest;
  while (fromVersion >= 0) {
    const page = await store.readStream(contentStream(path), {
      direction: 'backwards',
      fromVersion,
      maxCount: VERSIONS_PER_PAGE,
    });
    const found = page.find(({ position, metadata }) => isBy({ position, at: metadata.at }, until));
    if (found !== undefined) return readVersion(store, path, found.version);
    if (page.length < VERSIONS_PER_PAGE) return { state: 'absent' };
    fromVersion -= VERSIONS_PER_PAGE;
  }
  return { state: 'absent' };
}

async function withPrevious(
  options: CollectOptions,
  path: ContentPath,
  newest: ReadVersion,
): Promise<Collected | null> {
  const { store, onPoison } = options;
  let found = newest;
  while (found.state === 'poison') {
    onPoison(found);
    found = await readVersion(store, path, found.version - 1);
  }
  if (found.state === 'absent') return null;
  if (found.state === 'deleted') return { event: found.event, previous: null };
  const previous = await readVersion(store, path, found.event.version - 1);
  if (previous.state === 'poison') onPoison(previous);
  return { event: found.event, previous: previous.state === 'published' ? previous.event.body : null };
}
