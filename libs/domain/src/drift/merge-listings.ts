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
 * Reads three listings side by side and says for each path what stands in which. It holds one page of each, however
 * long they are.
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
      const heads = [await expected.path(), await local.path(), await remote.path()];
      const path = lowest(heads);
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

function lowest(paths: readonly (string | null)[]): string | null {
  let low: string | null = null;
  for (const path of paths) {
    if (path !== null && (low === null || compareUtf8(path, low) < 0)) low = path;
  }
  return low;
}

class Ascending<Item> {
  readonly #name: string;
  readonly #pathOf: (item: Item) => string;
  readonly #pages: AsyncIterator<readonly Item[]>;
  #page: readonly Item[] = [];
  #index = 0;
  #isEnded = false;
  #last: string | null = null;

  constructor(name: string, { pages, pathOf }: Listing<Item>) {
    this.#name = name;
    this.#pathOf = pathOf;
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** Of the item it stands at; null at the end. */
  async path(): Promise<string | null> {
    while (this.#index >= this.#page.length && !this.#isEnded) {
      const turned = await this.#pages.next();
      this.#isEnded = turned.done === true;
      this.#page = turned.done === true ? [] : turned.value;
      this.#index = 0;
    }
    const item = this.#page[this.#index];
    return item === undefined ? null : this.#pathOf(item);
  }

  /** Moves past the item where it is at this path. */
  takeAt(path: string): Item | null {
    const item = this.#page[this.#index];
    if (item === undefined || this.#pathOf(item) !== path) return null;
    if (this.#last !== null && compareUtf8(this.#last, path) >= 0) {
      throw new Error(`The ${this.#name} listing is not in order: ${path} came after ${this.#last}.`);
    }
    this.#last = path;
    this.#index += 1;
    return item;
  }

  /** Lets go of what the listing holds open. */
  async end(): Promise<void> {
    if (!this.#isEnded) await this.#pages.return?.();
  }
}
