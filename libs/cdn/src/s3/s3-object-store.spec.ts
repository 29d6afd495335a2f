import { hash } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, mayHaveHappened, type PutOptions, systemClock } from '@holdfast/domain';
import {
  type Fault,
  type FaultProxy,
  type S3Server,
  scriptedFaults,
  startFaultProxy,
  waitFor,
} from '@holdfast/testing';
import { makeS3Bucket, type S3Bucket } from '@holdfast/testing/s3-bucket';
import { describeWithS3 } from '@holdfast/testing/s3-suite';
import { S3Requests } from './s3-requests.ts';
import { S3Transport } from './s3-transport.ts';
import { S3ObjectStore, type S3ObjectStoreOptions } from './s3-object-store.ts';

describeWithS3('S3ObjectStore on a real server', (server) => {
  let proxy: FaultProxy;
  let bucket: S3Bucket;
  let opened: S3ObjectStore[] = [];

  const open = (options: Partial<S3ObjectStoreOptions> = {}): S3ObjectStore => {
    const store = new S3ObjectStore({
      ...optionsOf(server, bucket),
      endpoint: proxy.endpoint,
      timeoutMs: 30_000,
      maxSockets: 8,
      ...options,
    });
    opened.push(store);
    return store;
  };

  beforeAll(async () => {
    proxy = await startFaultProxy(server.endpoint);
    bucket = await makeS3Bucket(server);
  });

  afterAll(async () => {
    await bucket.remove();
    await proxy.close();
  });

  beforeEach(() => proxy.inject(null));

  afterEach(async () => {
    await Promise.all(opened.map((store) => store.close()));
    opened = [];
    await proxy.comeUp();
  });

  describe('with wrong settings', () => {
    const named = (store: S3ObjectStore) =>
      Promise.all(
        [
          () => put(store, 'a.json', 'a'),
          () => store.get('a.json'),
          () => store.head('a.json'),
          () => listAll(store),
          () => store.deleteMany(['a.json']),
          () => store.capabilities(),
        ].map((call) =>
          call().then(
            () => 'done',
            (error: { code: string }) => error.code,
          ),
        ),
      );

    it('says that the secret is not the one of the key', async () => {
      const { accessKeyId } = server;
      const store = open({ credentials: { accessKeyId, secretAccessKey: 'another' } });
      expect(await named(store)).toEqual(Array(6).fill('BUCKET_ACCESS_DENIED'));
      await expect(put(store, 'a.json', 'a')).rejects.toThrow(/Check HOLDFAST_S3_SECRET_ACCESS_KEY/);
    });

    it('says that the server does not know the key', async () => {
      const store = open({ credentials: { accessKeyId: 'NOBODY', secretAccessKey: 'another' } });
      expect(await named(store)).toEqual(Array(6).fill('BUCKET_ACCESS_DENIED'));
      await expect(put(store, 'a.json', 'a')).rejects.toThrow(/Check HOLDFAST_S3_ACCESS_KEY_ID/);
    });

    it('says that there is no such bucket', async () => {
      expect(await named(open({ bucket: 'holdfast-has-no-such-bucket' }))).toEqual(
        Array(6).fill('BUCKET_NOT_FOUND'),
      );
    });

    it('says that the clock of this machine is wrong', async () => {
      const clock: Clock = { ...systemClock, now: () => new Date(Date.now() - 3_600_000) };
      expect(await named(open({ clock }))).toEqual(Array(6).fill('BUCKET_CLOCK_SKEWED'));
    });

    it('goes on by itself when they are mended on the other side', async () => {
      const name = `${bucket.name}-later`;
      const store = open({ bucket: name });
      await expect(store.capabilities()).rejects.toMatchObject({ code: 'BUCKET_NOT_FOUND' });
      await bucket.client.send(new CreateBucketCommand({ Bucket: name }));
      expect(await store.capabilities()).toMatchObject({ etagIsMd5: true });
      await bucket.client.send(new DeleteBucketCommand({ Bucket: name }));
    });
  });

  describe('asked for its capabilities', () => {
    it('finds out all it is asked for, once, and leaves nothing behind', async () => {
      const store = open({ prefix: 'asked/' });
      const capabilities = await store.capabilities();
      expect(capabilities).toEqual({ etagIsMd5: true, putIfNone: true, putIfMatch: true });
      const asked = proxy.requests.length;
      expect(await store.capabilities()).toEqual(capabilities);
      expect(proxy.requests).toHaveLength(asked);
      const left = await bucket.client.send(
        new ListObjectsV2Command({ Bucket: bucket.name, Prefix: 'asked/' }),
      );
      expect(left.KeyCount).toBe(0);
    });

    it('asks again after a failure', async () => {
      const store = open();
      proxy.inject(scriptedFaults([{ kind: 'internal-error' }]));
      await expect(store.capabilities()).rejects.toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
      expect(await store.capabilities()).toMatchObject({ putIfMatch: true });
    });

    it('keeps nobody waiting who gives up', async () => {
      const store = open();
      proxy.inject(() => ({ kind: 'black-hole' }));
      const abort = new AbortController();
      const asking = store.capabilities({ signal: abort.signal });
      abort.abort();
      await expect(asking).rejects.toMatchObject({ code: 'OBJECT_STORE_UNAVAILABLE' });
    });
  });

  it('takes an object of 16 MiB in one part, and gives it back', async () => {
    const store = open();
    const bytes = Buffer.alloc(16 * 2 ** 20, 'sixteen MiB');
    const md5 = hash('md5', bytes);
    const options = { contentType: 'application/json', cacheControl: null, md5, metadata: {} };
    expect(await store.put('large.json', bytes, options)).toMatchObject({
      key: 'large.json',
      bytes: bytes.length,
      etag: md5,
    });
    expect(bytes.equals((await store.get('large.json')).body)).toBe(true);
  });

  it('has the server check the sum that was announced, and stores nothing when it is another', async () => {
    const transport = new S3Transport({ timeoutMs: 30_000, maxSockets: 1 });
    const requests = new S3Requests(optionsOf(server, bucket), { transport, clock: systemClock });
    const options = { contentType: 'application/json', cacheControl: null, metadata: {} };
    const damaged = requests.put('damaged.json', Buffer.from('damaged'), {
      ...options,
      md5: hash('md5', 'announced'),
    });
    await expect(damaged).rejects.toMatchObject({ code: 'HASH_MISMATCH' });
    expect(await open().head('damaged.json')).toBeNull();
    transport.close();
  });

  it('passes over names that begin with a dot in one step, however many there are', async () => {
    const store = open({ prefix: 'dots/' });
    const keys = [
      '-a.json',
      ...Array.from({ length: 40 }, (_, index) => `.holdfast/${index}`),
      'b.json',
      'c.json',
    ];
    await Promise.all(keys.map((key) => put(store, key, key)));
    const before = proxy.requests.length;
    const page = await store.list({ prefix: '', after: null, maxCount: 2 });
    expect(page).toMatchObject({ objects: [{ key: '-a.json' }, { key: 'b.json' }], next: 'b.json' });
    expect(proxy.requests.length - before).toBe(2);
    expect(await store.list({ prefix: '.holdfast/', after: null, maxCount: 2 })).toEqual({
      objects: [],
      next: null,
    });
  });

  it('lists what others put there as it is', async () => {
    const Bucket = bucket.name;
    const foreign = ['others/', 'others/a+b %2F&<c>.json', 'others/line\nbreak\u0001'];
    for (const Key of foreign) await bucket.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    const { objects } = await open({ prefix: 'others/' }).list({ prefix: '', after: null, maxCount: 10 });
    expect(objects.map(({ key }) => key)).toEqual(['a+b %2F&<c>.json', 'line\nbreak\u0001']);
    // One by one: no list of keys to be deleted can name them all.
    for (const Key of foreign) await bucket.client.send(new DeleteObjectCommand({ Bucket, Key }));
  });

  describe('behind a network that fails', () => {
    const failureOf = (call: Promise<unknown>) =>
      call.then(
        () => 'done',
        (error: { code: string }) => ({ code: error.code, isUnknown: mayHaveHappened(error) }),
      );
    const faults = (kind: Exclude<Fault['kind'], 'latency' | 'throttled'>) => proxy.inject(() => ({ kind }));

    it('knows that nothing happened where no connection was made', async () => {
      await proxy.goDown();
      const store = open();
      const refused = { code: 'OBJECT_STORE_UNAVAILABLE', isUnknown: false };
      expect(await failureOf(put(store, 'a.json', 'a'))).toEqual(refused);
      expect(await failureOf(store.deleteMany(['a.json']))).toEqual(refused);
      const elsewhere = open({ endpoint: 'http://no-such-host.invalid' });
      expect(await failureOf(put(elsewhere, 'a.json', 'a'))).toEqual(refused);
    });

    it('gives up when nothing is answered, and cannot know what a write did', async () => {
      const store = open({ timeoutMs: 250 });
      faults('black-hole');
      const timeout = { code: 'OBJECT_STORE_TIMEOUT', isUnknown: true };
      expect(await failureOf(put(store, 'a.json', 'a'))).toEqual(timeout);
      expect(await failureOf(store.deleteMany(['a.json']))).toEqual(timeout);
      expect(await failureOf(store.head('a.json'))).toEqual({ ...timeout, isUnknown: false });
    });

    it.each(['reset-in-request', 'reset-before-answer', 'internal-error'] as const)(
      'cannot know what a write did after %s',
      async (kind) => {
        faults(kind);
        const unknown = { code: 'OBJECT_STORE_UNAVAILABLE', isUnknown: true };
        expect(await failureOf(put(open(), 'a.json', 'a'.repeat(100_000)))).toEqual(unknown);
        expect(await failureOf(open().deleteMany(['a.json']))).toEqual(unknown);
      },
    );

    it.each(['lost-answer', 'truncated-answer'] as const)(
      'cannot know after %s that the object was stored, and finds it there',
      async (kind) => {
        const store = open({ prefix: `${kind}/` });
        faults(kind);
        const unknown = { code: 'OBJECT_STORE_UNAVAILABLE', isUnknown: true };
        expect(await failureOf(put(store, 'a.json', kind))).toEqual(unknown);
        proxy.inject(null);
        expect(await store.head('a.json')).toMatchObject({ etag: hash('md5', kind) });
      },
    );

    it('takes no answer that was cut short for a whole one', async () => {
      const store = open({ prefix: 'short/' });
      await put(store, 'a.json', 'a'.repeat(100_000));
      faults('truncated-answer');
      const short = { code: 'OBJECT_STORE_UNAVAILABLE', isUnknown: false };
      expect(await failureOf(store.get('a.json'))).toEqual(short);
      expect(await failureOf(listAll(store))).toEqual(short);
    });

    it('is asked to slow down, and knows that nothing happened', async () => {
      faults('slow-down');
      expect(await failureOf(put(open(), 'a.json', 'a'))).toEqual({
        code: 'OBJECT_STORE_THROTTLED',
        isUnknown: false,
      });
    });

    it('ends what is under way when it is closed, and when the signal aborts', async () => {
      const store = open();
      faults('black-hole');
      const abort = new AbortController();
      const before = proxy.requests.length;
      const calls = [
        failureOf(put(store, 'a.json', 'a', { signal: abort.signal })),
        failureOf(put(store, 'b.json', 'b')),
      ];
      await waitFor('both to be under way', () => Promise.resolve(proxy.requests.length === before + 2));
      abort.abort();
      const ended = { code: 'OBJECT_STORE_UNAVAILABLE', isUnknown: true };
      expect(await calls[0]).toEqual(ended);
      await store.close();
      expect(await calls[1]).toEqual(ended);
      expect(await failureOf(put(store, 'c.json', 'c'))).toEqual({ ...ended, isUnknown: false });
    });
  });
});

const optionsOf = (server: S3Server, bucket: S3Bucket) => ({
  bucket: bucket.name,
  prefix: '',
  endpoint: server.endpoint,
  region: server.region,
  credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
  forcePathStyle: true,
});

const put = (store: S3ObjectStore, key: string, text: string, options: Partial<PutOptions> = {}) =>
  store.put(key, Buffer.from(text), {
    contentType: 'application/json',
    cacheControl: null,
    md5: hash('md5', text),
    metadata: {},
    ...options,
  });

const listAll = (store: S3ObjectStore) => store.list({ prefix: '', after: null, maxCount: 1_000 });
