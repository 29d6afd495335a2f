import type { CatalogDocument } from '@holdfast/catalog';
import type { Pace } from './pace.ts';
import { type Expected, type ExpectedCatalog, publishedPages, toExpected } from './expected.ts';

/**
 * A random sample of the published documents, each with the same chance (algorithm R), in the order of their paths.
 * @see https://en.wikipedia.org/wiki/Reservoir_sampling
 */
export async function sampleDocuments(
  catalog: ExpectedCatalog,
  {
    size,
    random,
    signal,
    pace,
  }: { size: number; random: () => number; signal: AbortSignal; pace: Pick<Pace, 'rest'> },
): Promise<Expected[]> {
  const sample: { readonly at: number; readonly document: CatalogDocument }[] = [];
  let at = 0;
  for await (const page of publishedPages(catalog)) {
    signal.throwIfAborted();
    for (const document of page) {
      const place = at < size ? at : Math.floor(random() * (at + 1));
      if (place < size) sample[place] = { at, document };
      at += 1;
    }
    await pace.rest(signal);
  }
  return sample
    .sort((left, right) => left.at - right.at)
    .map(({ document }) => toExpected(catalog, document));
}
