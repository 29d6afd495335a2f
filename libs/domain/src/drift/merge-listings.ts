import { compareUtf8 } from '../content/path.ts';

/** What the three listings say of one path; null: nothing. */
export interface Merged<Expected, Local, Remote> {
  readonly path: string;
  readonly expected: Expected | null;
  readonly local: Local | null;
  readonly remote: Remote | null;
}

/** Pages of things in the ascending order of the UTF-8 bytes of their whole paths; a page may be empty. */
export interface Listing<Item> {
  readonly pages: AsyncIterable<readonly Item[]>;
  readonly pathOf: (item: Item) => string;
}

/**
 * Reads three listings side by side and says for each path what stands in which. It holds two pages of each, however
 * long they are: the next ones come while these are compared.
 * @param pageSize  of what it yields
 * @throws what a listing throws; an `Error` where one is not in order, as then nothing that follows would be true
 */
export async function* mergeListings<Expected, Local, Remote>(
  listings: {
    readonly expected: Listing<Expected>;
    readonly local: Listing<Local>;
    readonly remote: Listing<Remote>;
  },
  pageSize: number,
): AsyncGenerator<Merged<Expected, Local, Remote>[]> {
  const expected = new Ascending('expected', listings.expected);
  const local = new Ascending('local', listings.local);
  const remote = new Ascending('remote', listings.remote);
  try {
    let page: Merged<Expected, Local, Remote>[] = [];
    for (;;) {
      if (expected.isTurning) await expected.turn();
      if (local.isTurning) await local.turn();
      if (remote.isTurning) await remote.turn();
      const path = lowest(expected.path, lowest(local.path, remote.path));
      if (path === null) break;
      page.push({
        path,
        expected: expected.takeAt(path),
        local: local.takeAt(path),
        remote: remote.takeAt(path),
      });
      if (page.length < pageSize) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  } finally {
    await Promise.all([expected.end(), local.end(), remote.end()]);
  }
}

function lowest(left: string | null, right: string | null): string | null {
  if (left === null || left === right) return right;
  return right === null || compareUtf8(left, right) < 0 ? left : right;
}

class Ascending<Item> {
  readonly #name: string;
  readonly #pathOf: (item: Item) => string;
  readonly #pages: AsyncIterator<readonly Item[]>;
  #next: Promise<IteratorResult<readonly Item[]>>;
  #page: readonly Item[] = [];
  #index = 0;
  #isEnded = false;
  #last: string | null = null;
  /** Of the item it stands at; null at the end, or where it `isTurning`. */
  path: string | null = null;

  constructor(name: string, { pages, pathOf }: Listing<Item>) {
    this.#name = name;
    this.#pathOf = pathOf;
    this.#pages = pages[Symbol.asyncIterator]();
    this.#next = this.#ask();
  }

  /** Its page is read to the end, and there may be another. */
  get isTurning(): boolean {
    return this.path === null && !this.#isEnded;
  }

  /** Stands at the next page's first item afterwards. */
  async turn(): Promise<void> {
    while (this.isTurning) {
      const turned = await this.#next;
      if (turned.done === true) {
        this.#isEnded = true;
        return;
      }
      this.#next = this.#ask();
      this.#page = turned.value;
      this.#index = 0;
      this.#stand();
    }
  }

  /** Moves past the item where it is at this path. */
  takeAt(path: string): Item | null {
    if (this.path !== path) return null;
    if (this.#last !== null && compareUtf8(this.#last, path) >= 0) {
      throw new Error(`The ${this.#name} listing is not in order: ${path} came after ${this.#last}.`);
    }
    const item = this.#page[this.#index]!;
    this.#last = path;
    this.#index += 1;
    this.#stand();
    return item;
  }

  /** Lets go of what the listing holds open. */
  async end(): Promise<void> {
    if (!this.#isEnded) await this.#pages.return?.();
  }

  #stand(): void {
    const item = this.#page[this.#index];
    this.path = item === undefined ? null : this.#pathOf(item);
  }

  #ask(): Promise<IteratorResult<readonly Item[]>> {
    const next = this.#pages.next();
    // It is told where it is waited for; whoever stops reading is not told.
    next.catch(() => undefined);
    return next;
  }
}
