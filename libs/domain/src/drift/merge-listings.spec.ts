import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Listing, type Merged, mergeListings } from './merge-listings.ts';

async function* paged(paths: readonly string[], sizes: readonly number[]): AsyncGenerator<string[]> {
  let at = 0;
  for (let turn = 0; at < paths.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield await Promise.resolve(paths.slice(at, at + size));
    at += size;
  }
}

const listing = (paths: readonly string[], sizes: readonly number[] = [2]): Listing<string> => ({
  pages: paged(paths, sizes),
  pathOf: (path) => path,
});

async function merge(
  expected: Listing<string>,
  local: Listing<string>,
  remote: Listing<string>,
  pageSize = 3,
): Promise<Merged<string, string, string>[]> {
  const all: Merged<string, string, string>[] = [];
  for await (const page of mergeListings({ expected, local, remote }, pageSize)) {
    expect(page.length).toBeLessThanOrEqual(pageSize);
    all.push(...page);
  }
  return all;
}

/** What every other part of the system sorts by. */
const byBytes = (paths: Iterable<string>): string[] =>
  [...paths].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));

/** Names that order differently by UTF-16, by segment or by name than by the bytes of the whole path. */
const segment = fc
  .array(fc.constantFrom('a', 'b', 'z', '-', '.', '~', 'é', '日', '\ufb01', '\u{1d11e}', '\u{10000}'), {
    minLength: 1,
    maxLength: 3,
  })
  .map((letters) => letters.join(''));
const path = fc
  .tuple(fc.array(segment, { maxLength: 2 }), segment)
  .map(([directories, name]) => [...directories, `${name}.json`].join('/'));
const paths = fc.uniqueArray(path, { maxLength: 30 });
const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });

describe('merging three listings', () => {
  it('says for every path in which listings it stands, in the order of bytes, whatever the pages', async () => {
    await fc.assert(
      fc.asyncProperty(paths, paths, paths, sizes, async (expected, local, remote, pages) => {
        const merged = await merge(
          listing(byBytes(expected), pages),
          listing(byBytes(local), [...pages].reverse()),
          listing(byBytes(remote), pages),
        );
        const all = byBytes(new Set([...expected, ...local, ...remote]));
        expect(merged).toEqual(
          all.map((at) => ({
            path: at,
            expected: expected.includes(at) ? at : null,
            local: local.includes(at) ? at : null,
            remote: remote.includes(at) ? at : null,
          })),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('takes a-b.json before a.json before a/b.json, and astral characters last', async () => {
    const order = ['a-b.json', 'a.json', 'a/b.json', '\ufb01.json', '\u{1d11e}.json'];
    const merged = await merge(listing(order), listing(order, [1]), listing(order, [5]));
    expect(merged.map((each) => each.path)).toEqual(order);
    expect(merged.every(({ expected, local, remote }) => expected === local && local === remote)).toBe(true);
  });

  it.each([
    ['out of order', ['b.json', 'a.json']],
    ['twice', ['a.json', 'a.json']],
    ['in the order of UTF-16', ['\u{1d11e}.json', '\ufb01.json']],
  ])('refuses a listing whose paths come %s', async (_, wrong) => {
    await expect(merge(listing(wrong), listing([]), listing([]))).rejects.toThrow('not in order');
  });

  it('has the next pages brought while one is compared, and not the ones after', async () => {
    const brought: string[] = [];
    const endless = (name: string): Listing<string> => ({
      pathOf: (each) => each,
      pages: (async function* () {
        for (let number = 0; ; number += 1) {
          brought.push(`${name} ${number}`);
          yield await Promise.resolve([String(number).padStart(9, '0')]);
        }
      })(),
    });
    const listings = { expected: endless('expected'), local: endless('local'), remote: endless('remote') };
    for await (const [merged] of mergeListings(listings, 1)) {
      if (merged?.path !== '000000003') continue;
      await new Promise((resolve) => setImmediate(resolve));
      for (const name of Object.keys(listings)) {
        expect(brought.filter((page) => page.startsWith(name)).at(-1)).toBe(`${name} 4`);
      }
      break;
    }
  });

  it('tells what a page failed with only once it is come to', async () => {
    const failing: Listing<string> = {
      pathOf: (each) => each,
      pages: (async function* () {
        yield await Promise.resolve(['a.json', 'b.json']);
        throw new Error('gone');
      })(),
    };
    const merged: string[] = [];
    const reading = (async () => {
      const pages = mergeListings({ expected: failing, local: listing([]), remote: listing([]) }, 1);
      for await (const [each] of pages) merged.push(each?.path ?? '');
    })();
    await expect(reading).rejects.toThrow('gone');
    expect(merged).toEqual(['a.json', 'b.json']);
  });

  it('ends the listings when its reader stops early', async () => {
    const ended: string[] = [];
    const endless = (name: string): Listing<string> => ({
      pathOf: (each) => each,
      pages: (async function* () {
        try {
          for (let number = 0; ; number += 1) yield await Promise.resolve([String(number).padStart(9, '0')]);
        } finally {
          ended.push(name);
        }
      })(),
    });
    const listings = { expected: endless('expected'), local: endless('local'), remote: endless('remote') };
    for await (const page of mergeListings(listings, 2)) {
      expect(page).toHaveLength(2);
      break;
    }
    expect(ended.sort()).toEqual(['expected', 'local', 'remote']);
  });
});
