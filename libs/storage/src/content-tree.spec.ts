import { lstatSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ContentTree, type Replacement, SHARED_BARRIER_FROM } from './content-tree.ts';
import type { FileOperations } from './file-operations.ts';
import { FaultyFiles, readTree, temporaryDirectory } from './testing/index.ts';

const ID = '5a2f1c7e-0000-4000-8000-000000000001';

let directory: ReturnType<typeof temporaryDirectory>;
let root: string;
beforeEach(() => {
  directory = temporaryDirectory();
  root = join(directory.path, '000001');
  mkdirSync(root);
});
afterEach(() => {
  directory.remove();
});

const bytes = (text: string): Uint8Array => Buffer.from(text);

const replacement = (path: string, text: string, previous: Replacement['previous'] = null): Replacement => ({
  path,
  bytes: bytes(text),
  previous,
  temporary: ID,
});

const removal = (path: string) => ({ path, temporary: ID });

const replace = (tree: ContentTree, ...works: Replacement[]) => tree.change({ replace: works, remove: [] });
const remove = (tree: ContentTree, ...paths: string[]) =>
  tree.change({ replace: [], remove: paths.map(removal) });

describe('replacing a file', () => {
  it('FR-002 goes through the steps of the recipe in their order', async () => {
    const files = new FaultyFiles(null);
    const tree = new ContentTree({ root, files });
    await replace(tree, replacement('a/b.json', 'one'));
    files.calls.length = 0;
    await replace(tree, replacement('a/b.json', 'two', 'live'));
    const file = join(root, 'a/b.json');
    expect(files.calls).toEqual([
      `createFile ${file}.tmp.${ID}`,
      'write',
      'flush',
      `link ${file} ${file}.prev.tmp.${ID}`,
      `rename ${file}.prev.tmp.${ID} ${file}.prev`,
      `rename ${file}.tmp.${ID} ${file}`,
      `flushPath ${join(root, 'a')}`,
    ]);
    expect(readTree(root)).toEqual({ 'a/b.json': 'two', 'a/b.json.prev': 'one' });
  });

  it('FR-001 makes directories on demand, and makes the one above each new one durable', async () => {
    const files = new FaultyFiles(null);
    await replace(new ContentTree({ root, files }), replacement('a/b/c.json', 'one'));
    const flushed = files.calls.filter((call) => call.startsWith('flushPath'));
    expect(flushed.sort()).toEqual(
      [root, join(root, 'a'), join(root, 'a/b')].map((path) => `flushPath ${path}`),
    );
  });

  it('FR-004 keeps as `.prev` the live file, other bytes, or nothing, as it is told', async () => {
    const tree = new ContentTree({ root });
    await replace(tree, replacement('a.json', 'one'));
    await replace(tree, replacement('a.json', 'two', 'live'));
    expect(readTree(root)).toEqual({ 'a.json': 'two', 'a.json.prev': 'one' });
    await replace(tree, replacement('a.json', 'three', bytes('from the log')));
    expect(readTree(root)).toEqual({ 'a.json': 'three', 'a.json.prev': 'from the log' });
    await replace(tree, replacement('a.json', 'four'));
    expect(readTree(root)).toEqual({ 'a.json': 'four' });
  });

  it('gives files mode 0644 and directories 0755 whatever the umask is', async () => {
    const umask = process.umask(0o077);
    try {
      await replace(new ContentTree({ root }), replacement('a/b.json', 'one', bytes('zero')));
    } finally {
      process.umask(umask);
    }
    const modes = ['a', 'a/b.json', 'a/b.json.prev'].map((path) => statSync(join(root, path)).mode & 0o777);
    expect(modes).toEqual([0o755, 0o644, 0o644]);
  });

  it('goes on when somebody has removed a directory that was there', async () => {
    const tree = new ContentTree({ root });
    await replace(tree, replacement('a/b.json', 'one'));
    directory.remove();
    mkdirSync(root, { recursive: true });
    expect(await replace(tree, replacement('a/b.json', 'two'))).toEqual(new Map());
    expect(readTree(root)).toEqual({ 'a/b.json': 'two' });
  });

  it('replaces a symbolic link at a live name, and does not follow one on the way', async () => {
    const elsewhere = join(directory.path, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'a.json'), 'not ours');
    symlinkSync(elsewhere, join(root, 'linked'));
    symlinkSync(join(elsewhere, 'a.json'), join(root, 'a.json'));
    const tree = new ContentTree({ root });
    const failures = await replace(tree, replacement('a.json', 'ours'), replacement('linked/a.json', 'ours'));
    expect([...failures].map(([path, { code }]) => [path, code])).toEqual([
      ['linked/a.json', 'STORAGE_UNAVAILABLE'],
    ]);
    expect(failures.get('linked/a.json')?.message).toContain('a symbolic link, which is never followed');
    expect(lstatSync(join(root, 'a.json')).isFile()).toBe(true);
    expect(readTree(elsewhere)).toEqual({ 'a.json': 'not ours' });
  });

  it('does not follow a symbolic link that took the place of a directory it has written to', async () => {
    const elsewhere = join(directory.path, 'elsewhere');
    mkdirSync(elsewhere);
    const tree = new ContentTree({ root });
    await replace(tree, replacement('a/b/c.json', 'one'));
    renameSync(join(root, 'a/b'), join(root, 'a/moved'));
    symlinkSync(elsewhere, join(root, 'a/b'));
    writeFileSync(join(elsewhere, `c.json.tmp.${ID}`), 'not ours');
    const failures = await replace(tree, replacement('a/b/c.json', 'two', 'live'));
    expect([...failures.keys()]).toEqual(['a/b/c.json']);
    expect([...(await remove(tree, 'a/b/c.json')).keys()]).toEqual(['a/b/c.json']);
    expect(() => tree.recover(removal('a/b/c.json'))).toThrow('a symbolic link, which is never followed');
    expect(readTree(elsewhere)).toEqual({ [`c.json.tmp.${ID}`]: 'not ours' });
  });

  it('a path that cannot be written does not keep the others', async () => {
    mkdirSync(join(root, 'b.json'));
    const tree = new ContentTree({ root });
    const failures = await replace(tree, ...['a', 'b', 'c'].map((name) => replacement(`${name}.json`, name)));
    expect([...failures.keys()]).toEqual(['b.json']);
    expect(readTree(root)).toEqual({ 'a.json': 'a', 'b.json/': null, 'c.json': 'c' });
  });
});

describe('deleting a file', () => {
  it('FR-003 removes it with its `.prev` and the directories left empty, but never the root', async () => {
    const tree = new ContentTree({ root });
    await replace(tree, replacement('a/b/c.json', 'two', bytes('one')));
    await remove(tree, 'a/b/c.json');
    expect(readTree(root)).toEqual({});
    expect(statSync(root).isDirectory()).toBe(true);
  });

  it('leaves directories that hold something else', async () => {
    const tree = new ContentTree({ root });
    await replace(tree, replacement('a/b/c.json', 'c'), replacement('a/d.json', 'd'));
    await remove(tree, 'a/b/c.json');
    expect(readTree(root)).toEqual({ 'a/d.json': 'd' });
  });

  it('keeps a directory that gets a new file in the same change', async () => {
    const tree = new ContentTree({ root });
    await replace(tree, replacement('a/b.json', 'b'));
    const change = { replace: [replacement('a/c.json', 'c')], remove: [removal('a/b.json')] };
    expect(await tree.change(change)).toEqual(new Map());
    expect(readTree(root)).toEqual({ 'a/c.json': 'c' });
  });

  it('takes what is not there for deleted', async () => {
    expect(await remove(new ContentTree({ root }), 'a/b.json')).toEqual(new Map());
  });

  it('follows no symbolic link', async () => {
    const elsewhere = join(directory.path, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'a.json'), 'not ours');
    symlinkSync(elsewhere, join(root, 'linked'));
    const failures = await remove(new ContentTree({ root }), 'linked/a.json');
    expect([...failures.keys()]).toEqual(['linked/a.json']);
    expect(readTree(elsewhere)).toEqual({ 'a.json': 'not ours' });
  });
});

describe('what a crash has left', () => {
  it('is removed by the name its intent has, and nothing else is', () => {
    const tree = new ContentTree({ root });
    mkdirSync(join(root, 'a'));
    const others = { 'a/b.json': 'live', 'a/b.json.tmp.other': 'not ours' };
    const left = { [`a/b.json.tmp.${ID}`]: 'half', [`a/b.json.prev.tmp.${ID}`]: 'half' };
    for (const [name, text] of Object.entries({ ...others, ...left })) writeFileSync(join(root, name), text);
    tree.recover({ path: 'a/b.json', temporary: ID });
    expect(readTree(root)).toEqual(others);
    tree.recover({ path: 'never/made.json', temporary: ID });
  });

  it('has its directories made durable with the next change', async () => {
    const files = new FaultyFiles(null);
    const tree = new ContentTree({ root, files });
    mkdirSync(join(root, 'a/b'), { recursive: true });
    tree.recover({ path: 'a/b/c.json', temporary: ID });
    await replace(tree, replacement('a/b/c.json', 'c'));
    const flushed = files.calls.filter((call) => call.startsWith('flushPath'));
    expect(flushed.sort()).toEqual(
      [root, join(root, 'a'), join(root, 'a/b')].map((path) => `flushPath ${path}`),
    );
  });
});

describe('a large change', () => {
  const paths = Array.from({ length: SHARED_BARRIER_FROM }, (_, index) => `d${index}/f.json`);

  it('shares one barrier for the files and one for the directories, each before what relies on it', async () => {
    const files = new FaultyFiles(null);
    await replace(new ContentTree({ root, files }), ...paths.map((path) => replacement(path, path)));
    const kinds = files.calls.map((call) => call.split(' ')[0]);
    const inOrder = kinds.filter((kind, index) => kind !== kinds[index - 1] && kind !== 'makeDirectory');
    expect([...new Set(inOrder)]).toEqual(['createFile', 'write', 'flushFileSystem', 'unlink', 'rename']);
    const barriers = kinds.flatMap((kind, index) => (kind === 'flushFileSystem' ? [index] : []));
    expect(barriers).toEqual([kinds.lastIndexOf('write') + 1, kinds.length - 1]);
    expect(kinds).not.toContain('flush');
  });

  it('flushes each file and directory where there is no barrier', async () => {
    const files = new FaultyFiles({
      at: 1,
      lasts: 'from-then-on',
      code: 'ENOSYS',
      operations: ['flushFileSystem'],
    });
    const failures = await replace(
      new ContentTree({ root, files }),
      ...paths.map((path) => replacement(path, path)),
    );
    expect(failures).toEqual(new Map());
    const flushed = files.calls.filter((call) => call.startsWith('flushPath'));
    expect(flushed).toHaveLength(2 * paths.length + 1);
    expect(readTree(root)).toEqual(Object.fromEntries(paths.map((path) => [path, path])));
  });

  it('really flushes', async () => {
    const failures = await replace(
      new ContentTree({ root }),
      ...paths.map((path) => replacement(path, path)),
    );
    expect(failures).toEqual(new Map());
  });
});

describe('whatever step fails', () => {
  const before = { 'a/b.json': 'old', 'a/b.json.prev': 'older' };
  const after = { 'a/b.json': 'new', 'a/b.json.prev': 'old' };

  async function standing(): Promise<void> {
    const tree = new ContentTree({ root });
    await replace(tree, replacement('a/b.json', 'older'));
    await replace(tree, replacement('a/b.json', 'old', 'live'));
  }

  // More than there are steps; the loop ends where no step is left to fail.
  const steps = Array.from({ length: 40 }, (_, index) => index + 1);

  for (const size of [1, SHARED_BARRIER_FROM]) {
    for (const previous of ['live', bytes('old')] as const) {
      it(`keeps one whole version live and no temporary file, then gets there (${size} at once, previous ${previous === 'live' ? 'linked' : 'written'})`, async () => {
        await standing();
        const others = Array.from({ length: size - 1 }, (_, index) => replacement(`o${index}.json`, 'other'));
        // In a large change, those after the bytes were written: the steps before are those of a small one.
        const operations = ['flushFileSystem', 'link', 'rename', 'flushPath'] as const;
        const counted = size === 1 ? {} : { operations };
        let failed = 0;
        for (const at of steps) {
          const files = new FaultyFiles({ at, lasts: 'once', code: 'ENOSPC', ...counted });
          const tree = new ContentTree({ root, files });
          const failures = await replace(tree, replacement('a/b.json', 'new', previous), ...others);
          if (!files.hasFailed) break;
          const found = readTree(join(root, 'a'));
          if (failures.has('a/b.json')) {
            failed += 1;
            expect(failures.get('a/b.json')).toMatchObject({ code: 'DISK_FULL', kind: 'exhausted' });
          }
          expect(['old', 'new']).toContain(found['b.json']);
          expect(Object.keys(found).filter((name) => name.includes('.tmp.'))).toEqual([]);
          // The index would no longer prove what is live: the version before is written from the log.
          const again = await replace(tree, replacement('a/b.json', 'new', bytes('old')), ...others);
          expect(again).toEqual(new Map());
          expect(readTree(root)).toMatchObject(after);
          await replace(new ContentTree({ root }), replacement('a/b.json', 'old', bytes('older')));
          expect(readTree(root)).toMatchObject(before);
        }
        expect(failed).toBeGreaterThanOrEqual(size === 1 ? 5 : 2);
      });
    }
  }

  it('leaves the old version live when nothing works any more', async () => {
    await standing();
    for (const at of [1, 2, 3, 4, 5]) {
      const files = new FaultyFiles({ at, lasts: 'from-then-on', code: 'EIO' });
      const tree = new ContentTree({ root, files });
      const failures = await replace(tree, replacement('a/b.json', 'new', 'live'));
      expect(failures.get('a/b.json')).toMatchObject({ code: 'STORAGE_UNAVAILABLE', kind: 'transient' });
      expect(readTree(root)['a/b.json']).toBe('old');
      files.heal();
      tree.recover({ path: 'a/b.json', temporary: ID });
    }
  });

  it('reports a path as not done while a directory it depends on is not durable', async () => {
    const files: FileOperations = new FaultyFiles({
      at: 1,
      lasts: 'once',
      code: 'EIO',
      operations: ['flushPath'],
    });
    const tree = new ContentTree({ root, files });
    expect((await replace(tree, replacement('a/b.json', 'one'))).size).toBe(1);
    // The entry of `a` in the root was the one that failed; it is flushed with the next change, whatever that is.
    const calls = (files as FaultyFiles).calls;
    calls.length = 0;
    expect((await replace(tree, replacement('a/c.json', 'two'))).size).toBe(0);
    expect(calls).toContain(`flushPath ${root}`);
  });

  it('FR-016 says what was attempted, where, and why', async () => {
    const files = new FaultyFiles({ at: 1, lasts: 'once', code: 'EROFS' });
    const failures = await replace(new ContentTree({ root, files }), replacement('b.json', 'one'));
    const { message, context } = failures.get('b.json')!;
    expect(message).toContain(join(root, 'b.json'));
    expect(message).toContain('mounted read-only');
    expect(context).toEqual({
      file: join(root, 'b.json'),
      attempted: 'write the new version of',
      errno: 'EROFS',
    });
  });
});

it('knows a live file by its size, without reading it', async () => {
  const tree = new ContentTree({ root });
  await replace(tree, replacement('a.json', 'one'));
  expect([tree.isIntact('a.json', 3), tree.isIntact('a.json', 4), tree.isIntact('b.json', 3)]).toEqual([
    true,
    false,
    false,
  ]);
  symlinkSync(join(root, 'a.json'), join(root, 'b.json'));
  expect(tree.isIntact('b.json', lstatSync(join(root, 'b.json')).size)).toBe(false);
});
