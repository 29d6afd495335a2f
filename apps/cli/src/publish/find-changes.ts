import { compareUtf8, type HoldfastError, isHoldfastError } from '@holdfast/domain';
import type { ListedDocument } from '@holdfast/api/types';
import { readDocument } from './read-document.ts';
import type { Found } from './walk.ts';

/** What became of one thing in the directory: to be sent, as the server has it, or not publishable. */
export type Examined =
  | { readonly kind: 'changed'; readonly path: string; readonly text: string }
  | { readonly kind: 'unchanged'; readonly path: string }
  | Exclude<Found, { kind: 'document' }>;

/**
 * Compares the directory with what is published. Both come in the order of the paths' UTF-8 bytes, so neither is
 * ever in memory as a whole.
 */
export async function* findChanges(
  found: Iterable<Found>,
  published: AsyncIterable<ListedDocument>,
): AsyncGenerator<Examined> {
  const server = new Cursor(published);
  for (const entry of found) {
    if (entry.kind !== 'document') {
      yield entry;
      continue;
    }
    const { path, file } = entry;
    const current = await server.advanceTo(path);
    try {
      const { text, sourceSha256 } = readDocument(path, file);
      const isUnchanged = current?.path === path && current.sourceSha256 === sourceSha256;
      yield isUnchanged ? { kind: 'unchanged', path } : { kind: 'changed', path, text };
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      yield { kind: 'failed', path, error: error satisfies HoldfastError };
    }
  }
}

/**
 * The published paths at whose place the directory has nothing. What could not be looked into, and what lies
 * behind a link, counts as there: deleting it would be a guess.
 */
export async function* findVanished(
  found: Iterable<Found>,
  published: AsyncIterable<ListedDocument>,
): AsyncGenerator<string> {
  const claims = claimsOf(found);
  let claim = claims.next().value;
  for await (const { path } of published) {
    while (claim !== undefined && !isClaimed(claim, path) && compareUtf8(claim, path) < 0) {
      claim = claims.next().value;
    }
    if (claim === undefined || !isClaimed(claim, path)) yield path;
  }
}

/** A path, or a directory with its `/` that stands for all below it. */
function* claimsOf(found: Iterable<Found>): Generator<string, undefined> {
  for (const { kind, path, ...rest } of found) {
    if (kind !== 'skipped') yield path;
    else if ('reason' in rest && rest.reason === 'symbolic link')
      yield path.endsWith('.json') ? path : `${path}/`;
  }
}

const isClaimed = (claim: string, path: string): boolean =>
  claim.endsWith('/') ? path.startsWith(claim) : path === claim;

/** Reads a sorted listing forwards only. */
class Cursor {
  readonly #documents: AsyncIterator<ListedDocument>;
  #current: ListedDocument | null | undefined;

  constructor(documents: AsyncIterable<ListedDocument>) {
    this.#documents = documents[Symbol.asyncIterator]();
  }

  /** The first document at or after the path; null after the last. */
  async advanceTo(path: string): Promise<ListedDocument | null> {
    while (
      this.#current !== null &&
      (this.#current === undefined || compareUtf8(this.#current.path, path) < 0)
    ) {
      const next = await this.#documents.next();
      this.#current = next.done === true ? null : next.value;
    }
    return this.#current;
  }
}
