import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { compareUtf8 } from '../content/path.ts';
import type { ObjectHead, ObjectStore, PutOptions } from '../ports/object-store.ts';

/** A bucket of its own for each test, and how to be rid of it. */
export interface OpenedObjectStore {
  readonly store: ObjectStore;
  readonly dispose?: () => Promise<void> | void;
}

/**
 * The object store port, as a specification: every adapter and every decorator passes it unchanged.
 * @param open  called for each test; the bucket is empty
 */
export function objectStoreContract(open: () => Promise<OpenedObjectStore> | OpenedObjectStore): void {
  let opened: OpenedObjectStore;
  const bucket = (): ObjectStore => opened.store;

  beforeEach(async () => {
    opened = await open();
  });

  afterEach(async () => {
    await opened.store.close();
    await opened.dispose?.();
  });

  describe('put and get', () => {
    describePutAndGet(bucket);
  });
  describe('conditional put', () => {
    describeConditionalPut(bucket);
  });
  describe('concurrent use', () => {
    describeConcurrentUse(bucket);
  });
  describe('list', () => {
    describeList(bucket);
  });
  describe('deleteMany', () => {
    describeDeleteMany(bucket);
  });
  describe('close', () => {
    it('ends every use of the bucket', async () => {
      await bucket().close();
      await expect(bucket().head('a.json')).rejects.toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
      await expect(putText(bucket(), 'a.json', 'a')).rejects.toMatchObject({
        code: 'OBJECT_STORE_UNAVAILABLE',
      });
    });
  });
}

function describePutAndGet(bucket: () => ObjectStore): void {
  it('gives back bytes, headers and metadata as they were put', async () => {
    const bytes = Buffer.from('{"id":"p1"}\n');
    const options = optionsFor(bytes, {
      contentType: 'application/vnd.holdfast+json; charset=utf-8',
      cacheControl: 'public, max-age=60',
      metadata: { sha256: 'b'.repeat(64), version: '7', 'holdfast-log': 'c0ffee' },
    });
    const answer = await bucket().put('plans/p1/manifest.json', bytes, options);
    const head: ObjectHead = {
      key: 'plans/p1/manifest.json',
      bytes: bytes.length,
      etag: answer.etag,
      contentType: options.contentType,
      cacheControl: options.cacheControl,
      metadata: options.metadata,
    };
    const { storedMs, ...stored } = answer;
    expect(stored).toEqual({ key: head.key, bytes: head.bytes, etag: head.etag });
    expect(storedMs).toEqual(expect.any(Number));
    expect(await bucket().head(head.key)).toEqual(head);
    expect(asText(await bucket().get(head.key))).toEqual({ ...head, body: '{"id":"p1"}\n' });
  });

  it('answers with the MD5 as ETag where it says that it does', async () => {
    const answer = await putText(bucket(), 'a.json', 'some bytes');
    if ((await bucket().capabilities()).etagIsMd5) expect(answer.etag).toBe(md5Of(Buffer.from('some bytes')));
    expect(answer.etag).not.toMatch(/^"|^$/);
  });

  it('keeps no cache control where none is given', async () => {
    await bucket().put('a.json', Buffer.from('a'), optionsFor(Buffer.from('a'), { cacheControl: null }));
    expect(await bucket().head('a.json')).toMatchObject({ cacheControl: null });
  });

  it('stores an object of no bytes', async () => {
    await putText(bucket(), 'empty.json', '');
    expect(await bucket().head('empty.json')).toMatchObject({ bytes: 0 });
    expect((await bucket().get('empty.json')).body).toHaveLength(0);
  });

  it('replaces bytes, headers and metadata together', async () => {
    await putText(bucket(), 'a.json', 'old', { metadata: { version: '0', old: 'yes' } });
    await putText(bucket(), 'a.json', 'newer', { contentType: 'text/plain', metadata: { version: '1' } });
    expect(asText(await bucket().get('a.json'))).toMatchObject({
      body: 'newer',
      bytes: 5,
      contentType: 'text/plain',
      metadata: { version: '1' },
    });
  });

  it('takes the same put twice', async () => {
    const first = await putText(bucket(), 'a.json', 'same');
    const { key, bytes, etag } = first;
    expect(await putText(bucket(), 'a.json', 'same')).toMatchObject({ key, bytes, etag });
    expect(await keysOf(bucket())).toEqual(['a.json']);
  });

  it('takes new metadata for the same bytes', async () => {
    await putText(bucket(), 'a.json', 'same', { metadata: { version: '0' } });
    await putText(bucket(), 'a.json', 'same', { metadata: { version: '2' } });
    expect(await bucket().head('a.json')).toMatchObject({ metadata: { version: '2' } });
  });

  it('refuses bytes that have another MD5, and stores nothing', async () => {
    const wrong = optionsFor(Buffer.from('announced'));
    const put = bucket().put('new/a.json', Buffer.from('damaged!!'), wrong);
    await expect(put).rejects.toMatchObject({ code: 'HASH_MISMATCH' });
    expect(await bucket().head('new/a.json')).toBeNull();
    expect(await keysOf(bucket())).toEqual([]);
  });

  it('keeps the old object when the new bytes have another MD5', async () => {
    await putText(bucket(), 'a.json', 'old', { metadata: { version: '0' } });
    const put = bucket().put('a.json', Buffer.from('damaged!!'), optionsFor(Buffer.from('announced')));
    await expect(put).rejects.toMatchObject({ code: 'HASH_MISMATCH' });
    expect(asText(await bucket().get('a.json'))).toMatchObject({ body: 'old', metadata: { version: '0' } });
  });

  it('says that an object is missing', async () => {
    await putText(bucket(), 'a/b.json', 'b');
    for (const key of ['b.json', 'a', 'a/', 'a/b', 'a/b.json/c.json']) {
      expect(await bucket().head(key)).toBeNull();
      await expect(bucket().get(key)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    }
  });

  it.each([
    ['spaces and signs', 'units/A (1), b=2 @home ~x.json'],
    ['letters beyond ASCII', 'вопросы/été/日本語.json'],
    ['astral characters', 'a/𝒜𝒷.json'],
    ['the longest key', longestKey],
    ['a name of Holdfast beginning with a dot', '.holdfast/probe.json'],
  ] as [string, string | ((bytes: number) => string)][])('takes %s', async (_, made) => {
    const key = typeof made === 'string' ? made : made(1024 - bucket().reservedKeyBytes);
    await putText(bucket(), key, 'here');
    expect(asText(await bucket().get(key))).toMatchObject({ key, body: 'here' });
    expect(await bucket().deleteMany([key])).toEqual([]);
    expect(await bucket().head(key)).toBeNull();
  });
}

function describeConditionalPut(bucket: () => ObjectStore): void {
  const failed = { code: 'OBJECT_PRECONDITION_FAILED' };

  it('is refused with if-none-match where an object is, and stored where none is', async () => {
    if (!(await bucket().capabilities()).putIfNone) return;
    await putText(bucket(), 'a.json', 'first', { ifNoneMatch: '*' });
    await expect(putText(bucket(), 'a.json', 'second', { ifNoneMatch: '*' })).rejects.toMatchObject(failed);
    expect(asText(await bucket().get('a.json')).body).toBe('first');
    await bucket().deleteMany(['a.json']);
    await putText(bucket(), 'a.json', 'third', { ifNoneMatch: '*' });
  });

  it('is refused with if-match where another object or none is', async () => {
    if (!(await bucket().capabilities()).putIfMatch) return;
    const { etag } = await putText(bucket(), 'a.json', 'first');
    await putText(bucket(), 'a.json', 'second', { ifMatch: etag });
    await expect(putText(bucket(), 'a.json', 'third', { ifMatch: etag })).rejects.toMatchObject(failed);
    await expect(putText(bucket(), 'b.json', 'third', { ifMatch: etag })).rejects.toMatchObject(failed);
    expect(asText(await bucket().get('a.json')).body).toBe('second');
    expect(await keysOf(bucket())).toEqual(['a.json']);
  });

  it('lets one of twenty win', async () => {
    if (!(await bucket().capabilities()).putIfNone) return;
    const texts = Array.from({ length: 20 }, (_, index) => `writer ${index}`);
    const puts = await Promise.allSettled(
      texts.map((text) => putText(bucket(), 'a.json', text, { ifNoneMatch: '*' })),
    );
    const winners = texts.filter((_, index) => puts[index]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    expect(asText(await bucket().get('a.json')).body).toBe(winners[0]);
  });
}

function describeConcurrentUse(bucket: () => ObjectStore): void {
  const textOf = (version: number): string => `${version};`.repeat(5_000 + version * 100);

  it('shows each version whole while it is overwritten', async () => {
    const put = (version: number) =>
      putText(bucket(), 'a/b.json', textOf(version), { metadata: { version: String(version) } });
    await put(0);
    let isWriting = true;
    const writing = (async () => {
      for (let version = 1; version <= 30; version += 1) await put(version);
    })().finally(() => {
      isWriting = false;
    });
    let reads = 0;
    for (; isWriting || reads === 0; reads += 1) {
      const read = await bucket().get('a/b.json');
      const version = Number(read.metadata['version']);
      expect(Buffer.from(read.body).equals(Buffer.from(textOf(version)))).toBe(true);
      expect(read.bytes).toBe(read.body.length);
      if ((await bucket().capabilities()).etagIsMd5) expect(read.etag).toBe(md5Of(read.body));
    }
    await writing;
    expect(await bucket().head('a/b.json')).toMatchObject({ metadata: { version: '30' } });
  });

  it('ends with one whole object after concurrent puts of one key', async () => {
    const versions = Array.from({ length: 24 }, (_, version) => version);
    await Promise.all(
      versions.map((version) =>
        putText(bucket(), 'a.json', textOf(version), { metadata: { version: String(version) } }),
      ),
    );
    const read = await bucket().get('a.json');
    expect(Buffer.from(read.body).toString()).toBe(textOf(Number(read.metadata['version'])));
  });

  it('keeps what is put while its neighbours are deleted', async () => {
    const keys = Array.from({ length: 40 }, (_, index) => `deep/er/${index}.json`);
    const odd = keys.filter((_, index) => index % 2 === 1);
    await Promise.all(
      keys.flatMap((key, index) => [
        putText(bucket(), key, key),
        ...(index % 2 === 0 ? [putText(bucket(), key, key).then(() => bucket().deleteMany([key]))] : []),
      ]),
    );
    await bucket().deleteMany(keys.filter((key) => !odd.includes(key)));
    expect(await keysOf(bucket())).toEqual([...odd].sort(compareUtf8));
  });
}

function describeList(bucket: () => ObjectStore): void {
  const five = ['a.json', 'b/c.json', 'b/d.json', 'e/f/g.json', 'h.json'];
  const putAll = (keys: readonly string[]) => Promise.all(keys.map((key) => putText(bucket(), key, key)));

  it('gives each of five keys once, by pages of two', async () => {
    await putAll(five);
    const first = await bucket().list({ prefix: '', after: null, maxCount: 2 });
    const second = await bucket().list({ prefix: '', after: first.next, maxCount: 2 });
    const third = await bucket().list({ prefix: '', after: second.next, maxCount: 2 });
    const pages = [first, second, third].map(({ objects }) => objects.map(({ key }) => key));
    expect(pages).toEqual([five.slice(0, 2), five.slice(2, 4), five.slice(4)]);
    expect([first.next, second.next, third.next]).toEqual(['b/c.json', 'e/f/g.json', null]);
  });

  it('has no next page after one that is exactly full', async () => {
    await putAll(five);
    expect((await bucket().list({ prefix: '', after: null, maxCount: 5 })).next).toBeNull();
    expect(await bucket().list({ prefix: '', after: 'h.json', maxCount: 5 })).toEqual({
      objects: [],
      next: null,
    });
  });

  it('is empty for an empty bucket', async () => {
    expect(await bucket().list({ prefix: '', after: null, maxCount: 10 })).toEqual({
      objects: [],
      next: null,
    });
  });

  it('orders keys by their UTF-8 bytes, whatever directories they lie in', async () => {
    const ordered = [
      'A.json',
      'a-b.json',
      'a.json',
      'a/b.json',
      'a0.json',
      'b/a.json',
      'b/a/z.json',
      'b/a0.json',
      'é.json',
      'Ａ.json',
      '𝒜.json',
    ];
    await putAll([...ordered].reverse());
    for (const maxCount of [1, 2, 3, 100]) expect(await keysOf(bucket(), '', maxCount)).toEqual(ordered);
  });

  it('takes the prefix as a text, not as a directory', async () => {
    await putAll(['a/b.json', 'a/bc.json', 'a/c/d.json', 'ab/c.json', 'abc.json']);
    expect(await keysOf(bucket(), 'a/')).toEqual(['a/b.json', 'a/bc.json', 'a/c/d.json']);
    expect(await keysOf(bucket(), 'a/b')).toEqual(['a/b.json', 'a/bc.json']);
    expect(await keysOf(bucket(), 'ab')).toEqual(['ab/c.json', 'abc.json']);
    expect(await keysOf(bucket(), 'a/c/')).toEqual(['a/c/d.json']);
    expect(await keysOf(bucket(), 'a/c/d.json')).toEqual(['a/c/d.json']);
    expect(await keysOf(bucket(), 'x/')).toEqual([]);
    expect(await keysOf(bucket(), 'a/b.json/')).toEqual([]);
  });

  it('goes on after a key that is not there', async () => {
    await putAll(five);
    const after = async (key: string, prefix = '') =>
      (await bucket().list({ prefix, after: key, maxCount: 10 })).objects.map((object) => object.key);
    expect(await after('b/cc.json')).toEqual(five.slice(2));
    expect(await after('b')).toEqual(five.slice(1));
    expect(await after('b/')).toEqual(five.slice(1));
    expect(await after('b0')).toEqual(five.slice(3));
    expect(await after('e/f/g.json/x')).toEqual(five.slice(4));
    expect(await after('z')).toEqual([]);
    expect(await after('a', 'b/')).toEqual(['b/c.json', 'b/d.json']);
    expect(await after('c', 'b/')).toEqual([]);
  });

  it('shows what was put and deleted between two pages', async () => {
    await putAll(five);
    const { next } = await bucket().list({ prefix: '', after: null, maxCount: 2 });
    await putAll(['b/cd.json', 'e/a.json']);
    await bucket().deleteMany(['b/d.json', 'h.json']);
    const rest = await bucket().list({ prefix: '', after: next, maxCount: 10 });
    expect(rest.objects.map(({ key }) => key)).toEqual(['b/cd.json', 'e/a.json', 'e/f/g.json']);
  });

  it('tells what was written again later from what is as it was put', async () => {
    const kept = await putText(bucket(), 'a.json', 'same');
    const first = await putText(bucket(), 'b.json', 'same');
    const modified = async () => {
      const { objects } = await bucket().list({ prefix: '', after: null, maxCount: 10 });
      return objects.map(({ modifiedMs }) => modifiedMs!);
    };
    const [ofKept, ofFirst] = await modified();
    expect(ofKept).toBeLessThanOrEqual(kept.storedMs!);
    expect(ofFirst).toBeLessThanOrEqual(first.storedMs!);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const second = await putText(bucket(), 'b.json', 'same', { contentType: 'text/plain' });
    expect(await modified()).toEqual([ofKept, expect.any(Number)]);
    const [, ofSecond] = await modified();
    expect(ofSecond).toBeGreaterThan(first.storedMs!);
    expect(ofSecond).toBeLessThanOrEqual(second.storedMs!);
  });

  it('gives the size and ETag that head gives', async () => {
    await putAll(five);
    const { objects } = await bucket().list({ prefix: '', after: null, maxCount: 10 });
    for (const { key, bytes, etag } of objects) {
      expect(await bucket().head(key)).toMatchObject({ key, bytes, etag });
    }
  });

  it('leaves out names of Holdfast, which begin with a dot', async () => {
    await putAll(['.holdfast/probe.json', 'a.json']);
    expect(await keysOf(bucket())).toEqual(['a.json']);
    expect(await bucket().head('.holdfast/probe.json')).not.toBeNull();
  });
}

function describeDeleteMany(bucket: () => ObjectStore): void {
  it('deletes these objects and no others', async () => {
    await Promise.all(
      ['a.json', 'a/b.json', 'a/c.json', 'ab.json'].map((key) => putText(bucket(), key, key)),
    );
    expect(await bucket().deleteMany(['a.json', 'a/b.json'])).toEqual([]);
    expect(await keysOf(bucket())).toEqual(['a/c.json', 'ab.json']);
    expect(await bucket().head('a.json')).toBeNull();
  });

  it('counts a missing object as deleted', async () => {
    await putText(bucket(), 'a.json', 'a');
    const keys = ['a.json', 'never/was.json', 'a', 'a.json/b.json'];
    expect(await bucket().deleteMany(keys)).toEqual([]);
    expect(await bucket().deleteMany(keys)).toEqual([]);
    expect(await bucket().deleteMany([])).toEqual([]);
  });

  it('takes a thousand keys', async () => {
    const keys = Array.from({ length: 1_000 }, (_, index) => `many/${index % 10}/${index}.json`);
    await Promise.all(keys.map((key) => putText(bucket(), key, key)));
    expect(await keysOf(bucket(), 'many/', 300)).toHaveLength(1_000);
    expect(await bucket().deleteMany(keys)).toEqual([]);
    expect(await keysOf(bucket())).toEqual([]);
  });

  it('forgets headers and metadata with the object', async () => {
    await putText(bucket(), 'a.json', 'a', { metadata: { version: '1', extra: 'yes' } });
    await bucket().deleteMany(['a.json']);
    await putText(bucket(), 'a.json', 'a', { metadata: { version: '2' } });
    expect(await bucket().head('a.json')).toMatchObject({ metadata: { version: '2' } });
  });
}

const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

const optionsFor = (bytes: Uint8Array, options: Partial<PutOptions> = {}): PutOptions => ({
  contentType: 'application/json',
  cacheControl: 'no-cache',
  md5: md5Of(bytes),
  metadata: {},
  ...options,
});

const putText = (bucket: ObjectStore, key: string, text: string, options: Partial<PutOptions> = {}) =>
  bucket.put(key, Buffer.from(text), optionsFor(Buffer.from(text), options));

const asText = <T extends { body: Uint8Array }>(read: T) => ({
  ...read,
  body: Buffer.from(read.body).toString(),
});

async function keysOf(bucket: ObjectStore, prefix = '', maxCount = 2): Promise<string[]> {
  const keys: string[] = [];
  for (let after: string | null = null; ;) {
    const page = await bucket.list({ prefix, after, maxCount });
    keys.push(...page.objects.map(({ key }) => key));
    if (page.next === null) return keys;
    after = page.next;
  }
}

/** A key of exactly so many bytes, with segments a file system takes. */
function longestKey(bytes: number): string {
  const directories = `${'d'.repeat(200)}/`.repeat(4);
  return `${directories}${'f'.repeat(bytes - directories.length - '.json'.length)}.json`;
}
