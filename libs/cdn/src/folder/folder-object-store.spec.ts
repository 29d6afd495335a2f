import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  closeSync,
  openSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ListedObject, ObjectStore } from '@holdfast/domain';
import { FolderObjectStore } from './folder-object-store.ts';

const METADATA = { version: '3', sha256: 'a'.repeat(64), 'holdfast-log': 'log' };
const md5Of = (text: string): string => createHash('md5').update(text).digest('hex');

let root: string;
let folder: string;
let opened: ObjectStore[];
const open = (at = folder): ObjectStore => {
  const store = new FolderObjectStore({ folder: at });
  opened.push(store);
  return store;
};
const putText = (store: ObjectStore, key: string, text: string) =>
  store.put(key, Buffer.from(text), {
    contentType: 'application/json',
    cacheControl: 'no-cache',
    md5: md5Of(text),
    metadata: METADATA,
  });
const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((name) => !name.startsWith('.'))
    .sort();

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-bucket-'));
  folder = join(root, 'bucket');
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()));
  rmSync(root, { recursive: true });
});

describe('the folder of a FolderObjectStore', () => {
  it('holds each object as a plain file at its key, and all else below a name with a dot', async () => {
    const store = open();
    await putText(store, 'plans/p1/manifest.json', '{"id":"p1"}');
    await putText(store, 'units/été.json', '{}');
    expect(filesBelow(folder)).toEqual(['plans/p1/manifest.json', 'units/été.json']);
    expect(readFileSync(join(folder, 'plans/p1/manifest.json'), 'utf8')).toBe('{"id":"p1"}');
    expect(statSync(join(folder, 'units/été.json')).mode & 0o777).toBe(0o644);
    expect(readdirSync(join(folder, '.holdfast', 'tmp'))).toEqual([]);
  });

  it('loses the directories that a deletion leaves empty, and no others', async () => {
    const store = open();
    await putText(store, 'a/b/c/1.json', '1');
    await putText(store, 'a/b/2.json', '2');
    await store.deleteMany(['a/b/c/1.json']);
    expect(existsSync(join(folder, 'a/b/c'))).toBe(false);
    expect(filesBelow(folder)).toEqual(['a/b/2.json']);
    await store.deleteMany(['a/b/2.json']);
    expect(readdirSync(folder)).toEqual(['.holdfast']);
  });

  it('is listed in the order of bytes where a directory holds thousands', async () => {
    const store = open();
    await putText(store, 'units/first.json', '{}');
    const names = Array.from({ length: 3_000 }, (_, index) => {
      const letter = ['a', 'ﬀ', '𠀀', '-', 'z'][index % 5];
      return `${letter}${(index * 7_919) % 3_000}.json`;
    });
    for (const name of names) writeFileSync(join(folder, 'units', name), '');
    const listed: string[] = [];
    for (let after: string | null = null; ;) {
      const page = await store.list({ prefix: 'units/', after, maxCount: 1_000 });
      listed.push(...page.objects.map(({ key }) => key));
      after = page.next;
      if (after === null) break;
    }
    const all = ['first.json', ...names].map((name) => Buffer.from(`units/${name}`));
    expect(listed).toEqual(all.sort((left, right) => Buffer.compare(left, right)).map(String));
  });

  it('is not read again for every page of a listing, at whatever depth', async () => {
    const store = open();
    const directory = join(folder, 'units/deep');
    for (const name of ['a', 'b', 'c']) await putText(store, `units/deep/${name}.json`, '{}');
    const long = new Date('2026-01-01T00:00:00Z');
    utimesSync(directory, long, long);
    const first = await store.list({ prefix: '', after: null, maxCount: 1 });
    expect(first.next).toBe('units/deep/a.json');
    // Who did read it again would meet this one.
    writeFileSync(join(directory, 'b2.json'), '{}');
    utimesSync(directory, long, long);
    const second = await store.list({ prefix: '', after: first.next, maxCount: 10 });
    expect(second.objects.map(({ key }) => key)).toEqual(['units/deep/b.json', 'units/deep/c.json']);
  });

  it('keeps headers and metadata when it is copied', async () => {
    await putText(open(), 'a/b.json', 'text');
    await opened[0]!.close();
    const copy = join(root, 'copy');
    cpSync(folder, copy, { recursive: true });
    const store = open(copy);
    const expected = { metadata: METADATA, cacheControl: 'no-cache', contentType: 'application/json' };
    expect(await store.head('a/b.json')).toMatchObject(expected);
    expect((await store.list({ prefix: '', after: null, maxCount: 10 })).objects).toHaveLength(1);
    expect(await store.head('a/b.json')).toMatchObject(expected);
  });

  it('is made again, without metadata, where only that was deleted', async () => {
    const store = open();
    await putText(store, 'a.json', 'text');
    rmSync(join(folder, '.holdfast'), { recursive: true });
    expect(await store.head('a.json')).toMatchObject({ etag: md5Of('text'), metadata: {} });
    await putText(store, 'b.json', 'text');
    expect(await store.head('b.json')).toMatchObject({ metadata: METADATA });
  });

  it('is rid of what a killed process left behind an hour ago', async () => {
    const tmp = join(folder, '.holdfast', 'tmp');
    mkdirSync(tmp, { recursive: true });
    for (const name of ['old', 'young']) writeFileSync(join(tmp, name), 'half');
    utimesSync(join(tmp, 'old'), new Date(), new Date(Date.now() - 2 * 60 * 60 * 1000));
    await putText(open(), 'a.json', 'text');
    expect(readdirSync(tmp)).toEqual(['young']);
  });

  it('may be served and compared while another process has it open', async () => {
    const [one, other] = [open(), open()];
    await putText(one, 'a.json', 'first');
    expect(await other.head('a.json')).toMatchObject({ etag: md5Of('first'), metadata: METADATA });
    await putText(other, 'a.json', 'second');
    expect(await one.head('a.json')).toMatchObject({ etag: md5Of('second'), metadata: METADATA });
  });
});

describe('a file that somebody else wrote into the folder', () => {
  it('is an object without metadata', async () => {
    const store = open();
    await putText(store, 'a.json', 'text');
    writeFileSync(join(folder, 'a.json'), 'changed');
    writeFileSync(join(folder, 'new.json'), 'new');
    expect(await store.head('a.json')).toEqual({
      key: 'a.json',
      bytes: 7,
      etag: md5Of('changed'),
      contentType: 'application/octet-stream',
      cacheControl: null,
      metadata: {},
    });
    expect((await store.list({ prefix: '', after: null, maxCount: 10 })).objects).toMatchObject([
      { key: 'a.json', bytes: 7, etag: md5Of('changed') },
      { key: 'new.json', bytes: 3, etag: md5Of('new') },
    ]);
  });

  it('fails an if-match on the object it replaced', async () => {
    const store = open();
    const { etag } = await putText(store, 'a.json', 'text');
    writeFileSync(join(folder, 'a.json'), 'changed');
    const put = store.put('a.json', Buffer.from('x'), {
      contentType: 'application/json',
      cacheControl: null,
      md5: md5Of('x'),
      metadata: {},
      ifMatch: etag,
    });
    await expect(put).rejects.toMatchObject({ code: 'OBJECT_PRECONDITION_FAILED' });
  });

  it('is found out by its bytes when it is read, though size and time are those of the object', async () => {
    const store = open();
    await putText(store, 'a.json', 'text');
    const { atime, mtime } = statSync(join(folder, 'a.json'));
    writeFileSync(join(folder, 'a.json'), 'tampered'.slice(0, 4));
    utimesSync(join(folder, 'a.json'), atime, mtime);
    expect(await store.get('a.json')).toMatchObject({ etag: md5Of('tamp'), metadata: {} });
  });

  it('is found out by a listing too, though size and time of modification are those of the object', async () => {
    const store = open();
    await putText(store, 'a.json', 'text');
    const { atime, mtime } = statSync(join(folder, 'a.json'));
    const file = openSync(join(folder, 'a.json'), 'r+');
    writeSync(file, 'tamp');
    closeSync(file);
    utimesSync(join(folder, 'a.json'), atime, mtime);
    const { objects } = await store.list({ prefix: '', after: null, maxCount: 10 });
    expect(objects).toMatchObject([{ key: 'a.json', bytes: 4, etag: md5Of('tamp') }]);
  });

  it('is passed over where it is a symbolic link, and never written through', async () => {
    const store = open();
    await putText(store, 'a.json', 'text');
    const outside = join(root, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret.json'), 'secret');
    symlinkSync(outside, join(folder, 'linked'));
    symlinkSync(join(outside, 'secret.json'), join(folder, 'link.json'));
    expect(await store.head('linked/secret.json')).toBeNull();
    expect(await store.head('link.json')).toBeNull();
    await expect(store.get('link.json')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    await expect(putText(store, 'linked/new.json', 'x')).rejects.toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
    });
    expect(await store.deleteMany(['linked/secret.json'])).toEqual([]);
    for (const prefix of ['', 'linked/']) {
      const { objects } = await store.list({ prefix, after: null, maxCount: 10 });
      expect(objects.map(({ key }) => key)).toEqual(prefix === '' ? ['a.json'] : []);
    }
    await putText(store, 'link.json', 'object');
    expect(readdirSync(outside)).toEqual(['secret.json']);
    expect(readFileSync(join(outside, 'secret.json'), 'utf8')).toBe('secret');
    expect(readFileSync(join(folder, 'link.json'), 'utf8')).toBe('object');
  });
});

describe('a hostile key', () => {
  it.each([
    '../outside.json',
    'a/../../outside.json',
    '/etc/outside.json',
    'a//b.json',
    './a.json',
    'a/./b.json',
    'a/',
    '',
    'a\0b.json',
    'a/\ud800.json',
    `${'x'.repeat(256)}.json`,
    `${'x/'.repeat(510)}long.json`,
    '.holdfast/objects.db',
    '.holdfast/objects.db-wal',
    '.holdfast/tmp/a',
  ])('%j is refused, and names no object', async (key) => {
    const store = open();
    await putText(store, 'a.json', 'text');
    writeFileSync(join(root, 'outside.json'), 'untouched');
    await expect(putText(store, key, 'x')).rejects.toMatchObject({ code: 'PATH_INVALID' });
    expect(await store.head(key)).toBeNull();
    await expect(store.get(key)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    expect(await store.deleteMany([key])).toEqual([]);
    expect(readFileSync(join(root, 'outside.json'), 'utf8')).toBe('untouched');
    expect(await store.head('a.json')).toMatchObject({ metadata: METADATA });
    expect((await store.list({ prefix: key, after: null, maxCount: 5 })).objects.length).toBe(
      key === '' ? 1 : 0,
    );
  });
});

describe('a folder bucket that cannot be used', () => {
  const unavailable = { code: 'OBJECT_STORE_UNAVAILABLE', kind: 'transient' };

  it('is unavailable while the folder is gone, and goes on when it is back', async () => {
    const store = open();
    await putText(store, 'a.json', 'text');
    renameSync(folder, join(root, 'away'));
    await expect(putText(store, 'b.json', 'text')).rejects.toMatchObject(unavailable);
    await expect(store.head('a.json')).rejects.toMatchObject(unavailable);
    await expect(store.list({ prefix: '', after: null, maxCount: 1 })).rejects.toMatchObject(unavailable);
    expect(await store.deleteMany(['a.json'])).toMatchObject([{ key: 'a.json', error: unavailable }]);
    renameSync(join(root, 'away'), folder);
    await putText(store, 'b.json', 'text');
    expect(await store.head('a.json')).toMatchObject({ metadata: METADATA });
  });

  it('is unavailable where a file stands in its place', async () => {
    writeFileSync(folder, 'a file');
    const store = open();
    await expect(putText(store, 'a.json', 'text')).rejects.toMatchObject(unavailable);
    rmSync(folder);
    await putText(store, 'a.json', 'text');
  });

  // The call that makes directories by itself never returns there.
  (existsSync('/proc/self') ? it : it.skip)('is unavailable where no directory can be made', async () => {
    await expect(open('/proc/holdfast/bucket').head('a.json')).rejects.toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
      message: expect.stringContaining('/proc/holdfast/bucket'),
    });
  });

  it('names a directory that stands where an object has to be', async () => {
    const store = open();
    mkdirSync(join(folder, 'a.json', 'x'), { recursive: true });
    await expect(putText(store, 'a.json', 'text')).rejects.toMatchObject(unavailable);
    await putText(store, 'b.json', 'text');
    expect(readdirSync(join(folder, '.holdfast', 'tmp'))).toEqual([]);
  });
});

describe('what this user may not read', () => {
  const NOBODY = 65_534;
  const isRoot = process.geteuid?.() === 0;
  const unavailable = { code: 'OBJECT_STORE_UNAVAILABLE' };
  const readable = { bytes: 4, etag: md5Of('text') };
  const unreadable = { bytes: 0, etag: 'unreadable', modifiedMs: null };
  const modes = new Map<string, number>();
  const shut = (name: string, mode = 0o000): void => {
    const file = join(folder, name);
    modes.set(file, statSync(file).mode);
    chmodSync(file, mode);
  };
  const listPages = async (store: ObjectStore, maxCount: number, prefix = '') => {
    const listed: ListedObject[] = [];
    for (let after: string | null = null; ;) {
      const { objects, next } = await store.list({ prefix, after, maxCount });
      listed.push(...objects);
      after = next;
      if (after === null) return listed;
    }
  };

  // Permissions do not bind root.
  beforeEach(() => {
    if (!isRoot) return;
    chownSync(root, NOBODY, NOBODY);
    process.seteuid!(NOBODY);
  });
  afterEach(() => {
    for (const [file, mode] of modes) chmodSync(file, mode);
    modes.clear();
    if (isRoot) process.seteuid!(0);
  });

  it('is listed, and says why when it is asked for; all else is as it was', async () => {
    const store = open();
    for (const key of ['a.json', 'b.json', 'z.json']) await putText(store, key, 'text');
    shut('b.json');
    expect(await listPages(store, 10)).toMatchObject([
      { key: 'a.json', ...readable },
      { key: 'b.json', ...unreadable },
      { key: 'z.json', ...readable },
    ]);
    await expect(store.head('b.json')).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining('look at b.json'),
    });
    await expect(store.get('b.json')).rejects.toMatchObject(unavailable);
    expect(await store.head('a.json')).toMatchObject(readable);
  });

  it('is named with a / where it is a directory, as nobody knows what lies below', async () => {
    const store = open();
    for (const key of ['a.json', 'half/a.json', 'half/in/b.json', 'shut/c.json', 'z.json'])
      await putText(store, key, 'text');
    shut('shut');
    // Its names can be read, and nothing else.
    shut('half', 0o600);
    const names = ['half/a.json', 'half/in/', 'shut/'];
    for (const maxCount of [1, 2, 10]) {
      expect(await listPages(store, maxCount)).toMatchObject([
        { key: 'a.json', ...readable },
        ...names.map((key) => ({ key, ...unreadable })),
        { key: 'z.json', ...readable },
      ]);
    }
    for (const key of [...names, 'shut/c.json']) {
      await expect(store.head(key)).rejects.toMatchObject(unavailable);
    }
    await expect(listPages(store, 10, 'shut/')).rejects.toMatchObject(unavailable);
    chmodSync(join(folder, 'shut'), 0o755);
    expect(await store.head('shut/')).toBeNull();
    expect(await store.head('none/')).toBeNull();
  });
});

describe('several processes', () => {
  it('leave every object whole, with its own metadata', async () => {
    const writers = ['one', 'two', 'three'];
    const store = open();
    const children = writers.map((writer) => startWriter(writer, 30));
    let isRunning = true;
    const ended = Promise.all(children.map(exitCode)).finally(() => {
      isRunning = false;
    });
    const check = async (key: string): Promise<void> => {
      const read = await store.get(key).catch(() => null);
      if (read === null) return;
      expect(Buffer.from(read.body).toString()).toBe(read.metadata['text']?.repeat(2_000));
    };
    while (isRunning) await Promise.all(['shared/a.json', 'shared/deep/b.json'].map(check));
    expect(await ended).toEqual([0, 0, 0]);
    const { objects } = await store.list({ prefix: 'own/', after: null, maxCount: 1_000 });
    expect(objects).toHaveLength(writers.length * 15);
    for (const { key } of objects) await check(key);
  });

  const startWriter = (writer: string, rounds: number): ChildProcess =>
    spawn(
      process.execPath,
      [join(import.meta.dirname, 'folder-writer.fixture.ts'), folder, writer, String(rounds)],
      { stdio: 'inherit' },
    );
  const exitCode = async (child: ChildProcess): Promise<unknown> =>
    ((await once(child, 'exit')) as unknown[])[0];
});
