import { compareUtf8, type LocalEntry, sha256Of } from '@holdfast/domain';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documentOf, lookAt, nodeLookOperations } from './look-at-file.ts';
import { temporaryDirectory } from './testing/directories.ts';
import { walkTree } from './walk.ts';
import { WalkThread } from './walk-thread.ts';

const UUID = '0190a5a2-0000-7000-8000-000000000001';
let temporary: ReturnType<typeof temporaryDirectory>;
let root: string;

beforeEach(() => {
  temporary = temporaryDirectory();
  root = temporary.path;
});
afterEach(() => {
  temporary.remove();
});

function write(path: string, text = path, mode = 0o644): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

/** @param name  each letter is a byte */
const nameOfBytes = (directory: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]);

const walked = (): LocalEntry[] => [...walkTree(root)];
const file = (text: string, mode = 0o644) => ({
  kind: 'file',
  bytes: Buffer.byteLength(text),
  mode,
  sha256: sha256Of(Buffer.from(text)),
  problem: null,
});

describe('walking a tree', () => {
  it('names every file by its role, a document with its .prev', () => {
    write('units/a.json', 'new');
    write('units/a.json.prev', 'old', 0o600);
    write('units/b.json.prev', 'stray');
    write(`units/a.json.tmp.${UUID}`, 'half');
    write(`units/a.json.prev.tmp.${UUID}`, 'half');
    write('units/notes.txt', 'notes');
    expect(walked()).toEqual([
      {
        ...file('new'),
        path: 'units/a.json',
        role: 'document',
        previous: file('old', 0o600),
      },
      { ...file('half'), path: `units/a.json.prev.tmp.${UUID}`, role: 'temporary', previous: null },
      { ...file('half'), path: `units/a.json.tmp.${UUID}`, role: 'temporary', previous: null },
      { ...file('stray'), path: 'units/b.json.prev', role: 'previous', previous: null },
      { ...file('notes'), path: 'units/notes.txt', role: 'unknown', previous: null },
    ]);
  });

  it('follows no link, and tells of directories that should not be', () => {
    write('elsewhere/a.json');
    symlinkSync(join(root, 'elsewhere'), join(root, 'linked'));
    symlinkSync('nowhere', join(root, 'dangling.json'));
    mkdirSync(join(root, 'empty'));
    write('named.json/b.json');
    write('.hidden/c.json');
    chmodSync(join(root, 'elsewhere'), 0o700);
    const told = walked().map(({ path, kind, role, mode }) => [path, kind, role, mode.toString(8)]);
    expect(told).toEqual([
      ['.hidden/', 'directory', 'unknown', '755'],
      ['dangling.json', 'link', 'document', '777'],
      ['elsewhere/', 'directory', 'directory', '700'],
      ['elsewhere/a.json', 'file', 'document', '644'],
      ['empty/', 'directory', 'unknown', '755'],
      ['linked', 'link', 'unknown', '777'],
      ['named.json/', 'directory', 'unknown', '755'],
    ]);
  });

  it('goes in the order of the bytes of whole paths', () => {
    const name = fc
      .array(fc.constantFrom('a', 'b', '-', '.', '~', 'é', '\ufb01', '\u{1d11e}'), {
        minLength: 1,
        maxLength: 3,
      })
      .map((letters) => letters.join(''))
      .filter((text) => documentOf(`${text}.json`) !== null && !text.endsWith('.'));
    const path = fc
      .tuple(fc.array(name, { maxLength: 2 }), name)
      .map(([directories, last]) => [...directories, `${last}.json`].join('/'));
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 12 }), (paths) => {
        rmSync(root, { recursive: true });
        mkdirSync(root);
        for (const each of paths) write(each);
        expect(walked().map((entry) => entry.path)).toEqual([...paths].sort(compareUtf8));
      }),
      { numRuns: 60 },
    );
  });

  it('comes to the same where a directory has more names than are held at a time', () => {
    for (const path of ['a.json', 'b/c.json', 'b-.json', 'd.json', 'e.json', 'z/y/x.json']) write(path);
    for (const path of ['a.json.prev', 'd.json.prev', 'none.json.prev', 'g.json/x', 'g.json.prev'])
      write(path);
    const whole = walked();
    expect(whole.map(({ path, previous }) => (previous === null ? path : `${path} + .prev`))).toEqual([
      ...['a.json + .prev', 'b-.json', 'b/c.json', 'd.json + .prev', 'e.json'],
      ...['g.json.prev', 'g.json/', 'none.json.prev', 'z/y/x.json'],
    ]);
    for (const names of [1, 2, 3, 5]) expect([...walkTree(root, undefined, names)]).toEqual(whole);
  });

  it('tells of what cannot be read, and goes on', () => {
    for (const path of ['a.json', 'shut/b.json', 'z.json']) write(path);
    const failure = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    const failing = (name: string): never => {
      throw Object.assign(failure, { path: name });
    };
    const operations = {
      ...nodeLookOperations,
      list: (directory: string) =>
        directory.endsWith('shut/') ? failing(directory) : nodeLookOperations.list(directory),
      sha256: (name: string) => (name.endsWith('a.json') ? failing(name) : nodeLookOperations.sha256(name)),
    };
    expect([...walkTree(root, operations)]).toMatchObject([
      { path: 'a.json', sha256: null, problem: failure.message },
      { path: 'shut/', kind: 'directory', problem: failure.message },
      { path: 'z.json', problem: null },
    ]);
  });

  it('tells of names that are no UTF-8, which nobody can look at', () => {
    write('d.json');
    writeFileSync(nameOfBytes(root, 'n\xff.txt'), 'nobody sees it');
    mkdirSync(nameOfBytes(root, 'd\xff'));
    writeFileSync(nameOfBytes(root, 'd\xff/a.json'), '{}');
    // This is one.
    write('real\ufffd.txt');
    const problem = expect.stringContaining('not UTF-8');
    const nobody = { bytes: 0, mode: 0, sha256: null, role: 'unknown', previous: null, problem };
    const told = [
      expect.objectContaining({ path: 'd.json', problem: null }),
      { ...nobody, path: 'd\ufffd/', kind: 'directory' },
      { ...nobody, path: 'n\ufffd.txt', kind: 'other' },
      expect.objectContaining({ path: 'real\ufffd.txt', kind: 'file', problem: null }),
    ];
    expect(walked()).toEqual(told);
    expect(walked().map(({ path }) => lookAt(root, path))).toEqual(told);
    expect(lookAt(root, 'gone\ufffd.txt')).toBeNull();
  });

  it('throws where the root is not there', () => {
    expect(() => [...walkTree(join(root, 'none'))]).toThrow(
      expect.objectContaining({ code: 'STORAGE_UNAVAILABLE' }),
    );
  });
});

describe('the thread that walks', () => {
  let thread: WalkThread;
  beforeEach(() => {
    thread = new WalkThread();
  });
  afterEach(() => thread.close());

  it('gives the same entries in pages, and looks at paths in between', async () => {
    for (let number = 0; number < 1_100; number += 1) write(`units/u${number}.json`);
    write('big.json', 'x'.repeat(3 * 1024 * 1024));
    linkSync(join(root, 'big.json'), join(root, 'big.json.prev'));
    const pages: (readonly LocalEntry[])[] = [];
    for await (const page of thread.pages(root)) {
      pages.push(page);
      const paths = ['units/u1.json', 'units/none.json', 'units/'];
      expect(await thread.look(root, paths)).toEqual(paths.map((path) => lookAt(root, path)));
    }
    expect(pages.flat()).toEqual(walked());
    expect(pages.length).toBeGreaterThan(2);
  });

  it('tells why it cannot walk, and can be asked again', async () => {
    const pages = thread.pages(join(root, 'none'));
    await expect(pages.next()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', kind: 'transient' });
    write('a.json');
    const [entry] = await thread.look(root, ['a.json']);
    expect(entry).toMatchObject({ path: 'a.json', role: 'document' });
  });
});

describe('looking at one path', () => {
  it('never goes through a link', () => {
    write('real/a.json');
    symlinkSync(join(root, 'real'), join(root, 'linked'));
    expect(lookAt(root, 'linked/a.json')).toBeNull();
    expect(lookAt(root, 'real/a.json')).toMatchObject({ kind: 'file' });
    expect(lookAt(root, 'a.json/b.json')).toBeNull();
  });

  it('tells why a directory cannot be read, whatever its mode, and of none that is gone', () => {
    write('shut/a.json');
    const failing = (code: string) => ({
      ...nodeLookOperations,
      list: (directory: string): never => {
        throw Object.assign(new Error(`${code}: scandir '${directory}'`), { code, syscall: 'scandir' });
      },
    });
    expect(lookAt(root, 'shut/', failing('EIO'))).toMatchObject({
      path: 'shut/',
      kind: 'directory',
      role: 'directory',
      problem: `EIO: scandir '${root}/shut/'`,
    });
    expect(lookAt(root, 'shut/', failing('ENOENT'))).toBeNull();
    expect(lookAt(root, 'shut/')).toMatchObject({ role: 'directory', problem: null });
  });
});
