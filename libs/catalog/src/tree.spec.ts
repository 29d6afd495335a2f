import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type NewEvent, systemClock } from '@holdfast/domain';
import { deleted, MemoryEventStore, path, published, record } from '@holdfast/domain/testing';
import type { Catalog } from './catalog.ts';
import { openCatalog } from './open-catalog.ts';
import type { TreeEntry } from './tree.ts';

let directory: string;
let catalog: Catalog;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-tree-'));
});

afterEach(async () => {
  await catalog.close();
  rmSync(directory, { recursive: true });
});

async function given(...events: NewEvent[]): Promise<void> {
  const store = new MemoryEventStore();
  await record(store, ...events);
  catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock: systemClock });
  catalog.start(() => undefined);
  await catalog.caughtUp();
}

const name = (entry: TreeEntry): string =>
  entry.kind === 'directory'
    ? `${entry.path} ${entry.documents.count}${entry.documents.isAtLeast ? '+' : ''}`
    : entry.document.path;

/** All pages, each of `limit` entries. */
function walk(prefix: string, limit: number, status?: 'published' | 'deleted'): string[] {
  const found: TreeEntry[] = [];
  for (let after: string | null = null; ;) {
    const page = catalog.tree({ prefix, after, limit, status });
    found.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return found.map(name);
    after = last.kind === 'directory' ? last.path : last.document.path;
  }
}

describe('the tree', () => {
  const PATHS = [
    'a.json',
    'a/1.json',
    'a/b/2.json',
    'a/b/3.json',
    'a0.json',
    'ab/4.json',
    'ü/ö.json',
    'z.json',
  ];
  const TOP = ['a.json', 'a/ 3', 'a0.json', 'ab/ 1', 'z.json', 'ü/ 1'];

  it('has one level, documents and directories together in the order of UTF-8 bytes, by pages of any size', async () => {
    await given(...PATHS.map((at) => published(path(at))));
    for (const limit of [1, 2, 3, 5, 100]) expect(walk('', limit)).toEqual(TOP);
    expect(walk('a/', 1)).toEqual(['a/1.json', 'a/b/ 2']);
    expect(walk('a/b/', 10)).toEqual(['a/b/2.json', 'a/b/3.json']);
    expect(walk('never/', 10)).toEqual([]);
  });

  it('is searched by a prefix that ends within a name', async () => {
    await given(...PATHS.map((at) => published(path(at))));
    expect(walk('a', 10)).toEqual(['a.json', 'a/ 3', 'a0.json', 'ab/ 1']);
    expect(walk('a/b', 10)).toEqual(['a/b/ 2']);
  });

  it('leaves out directories in which nothing has the status', async () => {
    await given(published('a/1.json'), published('b/1.json'), published('b/2.json'), deleted('a/1.json'));
    expect(walk('', 10, 'published')).toEqual(['b/ 2']);
    expect(walk('', 10, 'deleted')).toEqual(['a/ 1']);
    expect(walk('', 10)).toEqual(['a/ 1', 'b/ 2']);
  });

  it('counts a directory up to a thousand, and what lies below a prefix exactly', async () => {
    const many = Array.from({ length: 1_001 }, (_, number) => published(path(`many/${number}.json`)));
    const one = published('few/1.json');
    await given(...many, one, published('few/2.json'), deleted('few/2.json'));
    expect(walk('', 10, 'published')).toEqual(['few/ 1', 'many/ 1000+']);
    expect(catalog.belowPrefix('few/')).toEqual({
      documents: { count: 1, isAtLeast: false },
      bytes: one.data.bytes,
      onCdn: 0,
    });
    expect(catalog.belowPrefix('many/').documents).toEqual({ count: 1_001, isAtLeast: false });
    expect(catalog.belowPrefix('man').documents.count).toBe(1_001);
    expect(catalog.belowPrefix('none/')).toMatchObject({ documents: { count: 0 }, bytes: 0 });
  });
});
