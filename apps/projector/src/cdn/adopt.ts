import type { CatalogDocument } from '@holdfast/catalog';
import {
  compareUtf8,
  type ListedObject,
  newEventId,
  type NewEvent,
  type ObjectStore,
  type Position,
  replicationStream,
} from '@holdfast/domain';
import { inParallel } from '../runtime/in-parallel.ts';
import { untilAnswered } from '../runtime/until-answered.ts';
import type { ReplicateAgainPorts } from './replicate-again.ts';

export interface AdoptPorts extends ReplicateAgainPorts {
  readonly bucket: ObjectStore;
}

const PAGE = 1_000;
const CONCURRENCY = 64;

/**
 * For a bucket that nobody has claimed but somebody has filled: objects that are byte for byte what the log wants
 * (by size and MD5) are recorded as replicated, and not sent again. The bucket is listed once, and both listings are
 * read by page in the order of their paths.
 * @returns how many
 * @throws  what the bucket answers, and an `AbortError` when the signal aborts first
 */
export async function adopt(ports: AdoptPorts): Promise<number> {
  const { bucket, catalog, log, signal } = ports;
  const { etagIsMd5 } = await bucket.capabilities({ signal });
  // Without that, a listing does not tell what is in an object.
  if (!etagIsMd5) return 0;
  const documents = new Ascending(({ path }: CatalogDocument) => path, documentPages(catalog));
  const objects = new Ascending(({ key }: ListedObject) => key, objectPages(bucket, signal));
  let adopted = 0;
  let last: Position | null = null;
  for (;;) {
    const page = await equalOnes(documents, objects);
    await inParallel(page, CONCURRENCY, async ({ document, etag }) => {
      const position = await record(document, etag, ports);
      if (position !== null && (last === null || position > last)) last = position;
      adopted += 1;
    });
    signal.throwIfAborted();
    if (page.length === 0) break;
  }
  if (last !== null) {
    log.info({ documents: adopted }, 'The bucket held documents already: they are not replicated again.');
    await catalog.reached(last, { timeoutMs: Number.POSITIVE_INFINITY, signal });
  }
  return adopted;
}

interface Equal {
  readonly document: CatalogDocument;
  readonly etag: string;
}

/** @returns up to a page of pairs; none at the end */
async function equalOnes(
  documents: Ascending<CatalogDocument>,
  objects: Ascending<ListedObject>,
): Promise<Equal[]> {
  const found: Equal[] = [];
  let document = await documents.first();
  let object = await objects.first();
  while (document !== null && object !== null && found.length < PAGE) {
    const order = compareUtf8(document.path, object.key);
    if (order === 0 && document.onCdn === null && isSame(document, object)) {
      found.push({ document, etag: object.etag });
    }
    if (order <= 0) document = await documents.next();
    if (order >= 0) object = await objects.next();
  }
  return found;
}

const isSame = (document: CatalogDocument, object: ListedObject): boolean =>
  document.md5 === object.etag && document.bytes === object.bytes;

/** Walks pages of things that come in ascending order; holds one page. */
class Ascending<Item> {
  readonly #keyOf: (item: Item) => string;
  readonly #pages: AsyncIterator<readonly Item[]>;
  #page: readonly Item[] = [];
  #index = 0;
  #isEnded = false;

  constructor(keyOf: (item: Item) => string, pages: AsyncIterable<readonly Item[]>) {
    this.#keyOf = keyOf;
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** Where it stands; null at the end. */
  async first(): Promise<Item | null> {
    while (this.#index >= this.#page.length && !this.#isEnded) {
      const turned = await this.#pages.next();
      this.#isEnded = turned.done === true;
      this.#page = turned.done === true ? [] : turned.value;
      this.#index = 0;
    }
    return this.#page[this.#index] ?? null;
  }

  async next(): Promise<Item | null> {
    const passed = this.#page[this.#index];
    this.#index += 1;
    const item = await this.first();
    if (item !== null && passed !== undefined && compareUtf8(this.#keyOf(passed), this.#keyOf(item)) >= 0) {
      throw new Error(`${this.#keyOf(item)} came after ${this.#keyOf(passed)}: the listing is not in order.`);
    }
    return item;
  }
}

async function* documentPages(catalog: AdoptPorts['catalog']): AsyncGenerator<readonly CatalogDocument[]> {
  for (let after: string | null = null; ;) {
    const page = catalog.documents({ prefix: '', after, limit: PAGE, status: 'published' });
    yield page;
    after = page.at(-1)?.path ?? null;
    if (after === null) return;
    // A page is read in one go: others get their turn between two.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function* objectPages(
  bucket: ObjectStore,
  signal: AbortSignal,
): AsyncGenerator<readonly ListedObject[]> {
  for (let after: string | null = null; ;) {
    const page = await bucket.list({ prefix: '', after, maxCount: PAGE, signal });
    yield page.objects;
    after = page.next;
    if (after === null) return;
  }
}

async function record(
  { path, version, sha256 }: CatalogDocument,
  etag: string,
  { store, clock, signal, actor }: AdoptPorts,
): Promise<Position | null> {
  const id = newEventId();
  const event: NewEvent = {
    type: 'ContentReplicated',
    data: { path, version, action: 'put', sha256, etag, attempt: 1, durationMs: 0 },
    id,
    metadata: { correlationId: id, causationId: id, actor, at: clock.now().toISOString() },
  };
  const appended = await untilAnswered({ clock, signal }, () =>
    store.append(replicationStream(path), [event], 'any'),
  );
  return appended?.position ?? null;
}
