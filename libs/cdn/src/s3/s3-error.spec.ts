import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type HoldfastError, mayHaveHappened, type PutOptions } from '@holdfast/domain';
import { S3ObjectStore, type S3ObjectStoreOptions } from './s3-object-store.ts';
import {
  s3Error,
  type ScriptedAnswer,
  type ScriptedServer,
  startScriptedServer,
} from './scripted-server.fixture.ts';

const SECRET = 'the-secret-of-the-key';

describe('what a server answers when something is wrong', () => {
  let server: ScriptedServer;
  let store: S3ObjectStore;

  const openStore = (options: Partial<S3ObjectStoreOptions> = {}): S3ObjectStore =>
    new S3ObjectStore({
      bucket: 'site',
      prefix: 'live/',
      endpoint: server.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'KEY', secretAccessKey: SECRET },
      forcePathStyle: true,
      timeoutMs: 30_000,
      maxSockets: 4,
      ...options,
    });

  beforeAll(async () => {
    server = await startScriptedServer();
    store = openStore();
  });

  afterAll(async () => {
    await store.close();
    await server.close();
  });

  const answered = async (answer: ScriptedAnswer, call: () => Promise<unknown>): Promise<HoldfastError> => {
    server.answer = answer;
    return call().then(
      () => {
        throw new Error('It did not fail.');
      },
      (error: unknown) => error as HoldfastError,
    );
  };

  const refused = (status: number, code: string, more = ''): ScriptedAnswer => ({
    status,
    headers: { 'content-type': 'application/xml' },
    body: s3Error(code, more),
  });
  const bare = (status: number, headers: Record<string, string> = {}): ScriptedAnswer => ({
    status,
    headers,
  });
  const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toUTCString();

  it.each<[string, ScriptedAnswer, string, 'unknown' | undefined]>([
    ['a call too many', refused(503, 'SlowDown'), 'OBJECT_STORE_THROTTLED', undefined],
    ['a full gateway', { status: 503, body: '<html>busy</html>' }, 'OBJECT_STORE_THROTTLED', undefined],
    ['too many requests', bare(429), 'OBJECT_STORE_THROTTLED', undefined],
    ['a limit by name', refused(400, 'RequestLimitExceeded'), 'OBJECT_STORE_THROTTLED', undefined],
    ['a change under way', refused(409, 'OperationAborted'), 'OBJECT_STORE_THROTTLED', undefined],
    ['a failure inside', refused(500, 'InternalError'), 'OBJECT_STORE_UNAVAILABLE', 'unknown'],
    ['a failure inside, by name only', refused(503, 'InternalError'), 'OBJECT_STORE_UNAVAILABLE', 'unknown'],
    ['a bad gateway', { status: 502, body: '<html>' }, 'OBJECT_STORE_UNAVAILABLE', 'unknown'],
    ['a gateway that waited', bare(504), 'OBJECT_STORE_UNAVAILABLE', 'unknown'],
    ['a body cut short', refused(400, 'IncompleteBody'), 'OBJECT_STORE_UNAVAILABLE', undefined],
    ['a body too slow', refused(400, 'RequestTimeout'), 'OBJECT_STORE_TIMEOUT', undefined],
    ['no key', refused(403, 'InvalidAccessKeyId'), 'BUCKET_ACCESS_DENIED', undefined],
    ['another secret', refused(403, 'SignatureDoesNotMatch'), 'BUCKET_ACCESS_DENIED', undefined],
    ['a policy', refused(403, 'AccessDenied'), 'BUCKET_ACCESS_DENIED', undefined],
    ['a session that is over', refused(400, 'ExpiredToken'), 'BUCKET_ACCESS_DENIED', undefined],
    ['an unnamed refusal', bare(403), 'BUCKET_ACCESS_DENIED', undefined],
    ['no authorisation', bare(401), 'BUCKET_ACCESS_DENIED', undefined],
    ['another region', refused(301, 'PermanentRedirect'), 'BUCKET_REGION_WRONG', undefined],
    ['a bare redirect', bare(301, { 'x-amz-bucket-region': 'us-west-2' }), 'BUCKET_REGION_WRONG', undefined],
    [
      'a region in a header',
      bare(400, { 'x-amz-bucket-region': 'us-west-2' }),
      'BUCKET_REGION_WRONG',
      undefined,
    ],
    ['no bucket', refused(404, 'NoSuchBucket'), 'BUCKET_NOT_FOUND', undefined],
    ['a name no bucket has', refused(400, 'InvalidBucketName'), 'BUCKET_NOT_FOUND', undefined],
    ['nothing there', { status: 404, body: 'not here' }, 'BUCKET_NOT_FOUND', undefined],
    ['another object', refused(412, 'PreconditionFailed'), 'OBJECT_PRECONDITION_FAILED', undefined],
    ['a race', refused(409, 'ConditionalRequestConflict'), 'OBJECT_PRECONDITION_FAILED', undefined],
    ['another clock', refused(403, 'RequestTimeTooSkewed'), 'BUCKET_CLOCK_SKEWED', undefined],
    ['another clock, unsaid', bare(403, { date: minutesAgo(20) }), 'BUCKET_CLOCK_SKEWED', undefined],
    ['other bytes', refused(400, 'BadDigest'), 'HASH_MISMATCH', undefined],
    ['an unreadable digest', refused(400, 'InvalidDigest'), 'HASH_MISMATCH', undefined],
    ['other bytes by SHA-256', refused(400, 'XAmzContentSHA256Mismatch'), 'HASH_MISMATCH', undefined],
    ['a full quota', refused(403, 'QuotaExceeded'), 'DISK_FULL', undefined],
    ['a full disk', bare(507), 'DISK_FULL', undefined],
    ['a key it does not take', refused(400, 'KeyTooLongError'), 'OBJECT_REJECTED', undefined],
    ['what it has never heard of', refused(501, 'NotImplemented'), 'OBJECT_REJECTED', undefined],
    ['a success without an ETag', bare(200), 'OBJECT_STORE_UNAVAILABLE', 'unknown'],
    [
      'a failure in a success',
      { status: 200, body: s3Error('InternalError') },
      'OBJECT_STORE_UNAVAILABLE',
      'unknown',
    ],
  ])('is translated when a put meets %s', async (_, answer, code, outcome) => {
    const error = await answered(answer, () => put(store, 'a.json', 'a'));
    expect({ code: error.code, outcome: error.context['outcome'] }).toEqual({ code, outcome });
    expect(mayHaveHappened(error)).toBe(outcome === 'unknown');
  });

  it('takes a missing key for the failed condition that it is', async () => {
    server.answer = ({ headers }) =>
      headers['if-match'] === undefined ? bare(200, { etag: '"e"' }) : refused(404, 'NoSuchKey');
    const conditional = openStore();
    await expect(put(conditional, 'a.json', 'a', { ifMatch: 'e' })).rejects.toMatchObject({
      code: 'OBJECT_PRECONDITION_FAILED',
    });
    await conditional.close();
  });

  it('knows that what only reads has changed nothing', async () => {
    const error = await answered(refused(500, 'InternalError'), () => store.get('a.json'));
    expect(mayHaveHappened(error)).toBe(false);
  });

  it('says which object, which bucket, why, and what to do', async () => {
    const error = await answered(refused(403, 'SignatureDoesNotMatch'), () =>
      put(store, 'plans/p1.json', 'a'),
    );
    expect(error.message).toBe(
      `It was not possible to store plans/p1.json in the bucket s3://site/live/ at ${server.endpoint}: the secret is not the one of the access key. Check HOLDFAST_S3_SECRET_ACCESS_KEY (SignatureDoesNotMatch, status 403: Said by the server).`,
    );
    expect(error.context).toEqual({
      bucket: 'site',
      prefix: 'live/',
      endpoint: server.endpoint,
      key: 'plans/p1.json',
      serverCode: 'SignatureDoesNotMatch',
      status: 403,
      requestId: 'r1',
    });
  });

  it('names the region the bucket is in', async () => {
    const error = await answered(
      refused(400, 'AuthorizationHeaderMalformed', '<Region>ap-south-1</Region>'),
      () => put(store, 'a.json', 'a'),
    );
    expect(error).toMatchObject({ code: 'BUCKET_REGION_WRONG', context: { region: 'ap-south-1' } });
    expect(error.message).toContain('Set HOLDFAST_S3_REGION=ap-south-1');
  });

  it('tells how long the server asks to wait', async () => {
    const error = await answered({ ...refused(503, 'SlowDown'), headers: { 'retry-after': '7' } }, () =>
      put(store, 'a.json', 'a'),
    );
    expect(error.context['retryAfterMs']).toBe(7_000);
  });

  it('repeats nothing of what the server repeats of the signature', async () => {
    const signed = '<AWSAccessKeyId>KEY</AWSAccessKeyId><SignatureProvided>5191a7</SignatureProvided>';
    const error = await answered(refused(403, 'SignatureDoesNotMatch', signed), () =>
      put(store, 'a.json', 'a'),
    );
    const everything = JSON.stringify([
      error,
      error.message,
      error.cause,
      Object.entries(error.cause as object),
    ]);
    expect(everything).not.toMatch(/5191a7|the-secret/);
  });

  it('tells a missing object from a missing bucket', async () => {
    server.answer = { status: 404 };
    await expect(store.head('a.json')).rejects.toMatchObject({ code: 'BUCKET_NOT_FOUND' });
    server.answer = refused(404, 'NoSuchKey');
    await expect(store.get('a.json')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    server.answer = refused(404, 'NoSuchBucket');
    await expect(store.get('a.json')).rejects.toMatchObject({ code: 'BUCKET_NOT_FOUND' });
  });

  it('does not take the answer of something in between, which knows no bucket, for a missing object', async () => {
    const page: ScriptedAnswer = {
      status: 404,
      headers: { 'content-type': 'text/plain' },
      body: '404 page not found',
    };
    const error = await answered(page, () => store.get('a.json'));
    expect(error.code).toBe('BUCKET_NOT_FOUND');
  });

  it('says per key why it was not deleted, and that it does not know where the answer is silent', async () => {
    const errors = [
      ['b.json', 'AccessDenied'],
      ['c.json', 'InternalError'],
      ['d.json', 'SlowDown'],
      ['e.json', 'NoSuchKey'],
      ['f.json', 'SomethingNew'],
    ].map(([key, code]) => `<Error><Key>live/${key}</Key><Code>${code}</Code><Message>No</Message></Error>`);
    const body = `<DeleteResult><Deleted><Key>live/a.json</Key></Deleted>${errors.join('')}</DeleteResult>`;
    server.answer = { status: 200, body };
    const failures = await store.deleteMany(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `${name}.json`),
    );
    expect(
      failures.map(({ key, error }) => ({ key, code: error.code, isUnknown: mayHaveHappened(error) })),
    ).toEqual([
      { key: 'b.json', code: 'BUCKET_ACCESS_DENIED', isUnknown: false },
      { key: 'c.json', code: 'OBJECT_STORE_UNAVAILABLE', isUnknown: true },
      { key: 'd.json', code: 'OBJECT_STORE_THROTTLED', isUnknown: false },
      { key: 'f.json', code: 'OBJECT_REJECTED', isUnknown: false },
      { key: 'g.json', code: 'OBJECT_STORE_UNAVAILABLE', isUnknown: true },
    ]);
  });

  it('cannot say what a delete did whose answer cannot be read', async () => {
    const error = await answered({ status: 200, body: '<DeleteResult><Del' }, () =>
      store.deleteMany(['a.json']),
    );
    expect(mayHaveHappened(error)).toBe(true);
  });

  it.each([
    ['Mon, 05 Jan 2026 08:00:00 GMT', Date.UTC(2026, 0, 5, 8, 0, 0, 999)],
    ['some time ago', null],
  ])('takes from the date of its answer when a put was stored: %s', async (date, storedMs) => {
    server.answer = { status: 200, headers: { etag: '"e"', date } };
    const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
    const options = { contentType: 'application/json', cacheControl: null, md5, metadata: {} };
    expect(await store.put('a.json', new Uint8Array(), options)).toMatchObject({ storedMs });
  });

  it('goes on after a page without keys that is not the last', async () => {
    const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>';
    const last =
      '<IsTruncated>false</IsTruncated><Contents><Key>live/a.json</Key><Size>1</Size><ETag>"e"</ETag></Contents>';
    server.answer = ({ url }) => ({
      status: 200,
      body: `<ListBucketResult>${url?.includes('continuation-token=t1') === true ? last : more}</ListBucketResult>`,
    });
    const page = await store.list({ prefix: '', after: null, maxCount: 10 });
    expect(page).toEqual({ objects: [{ key: 'a.json', bytes: 1, etag: 'e', modifiedMs: null }], next: null });
    server.answer = { status: 200, body: `<ListBucketResult>${more}</ListBucketResult>` };
    await expect(store.list({ prefix: '', after: null, maxCount: 10 })).rejects.toMatchObject({
      code: 'OBJECT_STORE_UNAVAILABLE',
    });
  });

  it('refuses a bucket that lists in another order than that of bytes', async () => {
    const objects = ['b.json', 'a.json'].map(
      (key) => `<Contents><Key>live/${key}</Key><Size>1</Size><ETag>&quot;x&quot;</ETag></Contents>`,
    );
    const body = `<ListBucketResult><IsTruncated>false</IsTruncated>${objects.join('')}</ListBucketResult>`;
    const error = await answered({ status: 200, body }, () =>
      store.list({ prefix: '', after: null, maxCount: 10 }),
    );
    expect(error.code).toBe('BUCKET_UNSUPPORTED');
  });

  it('refuses a directory bucket before anything is sent', async () => {
    const directory = openStore({ bucket: 'site--euw1-az1--x-s3' });
    const before = server.requests.length;
    await expect(put(directory, 'a.json', 'a')).rejects.toMatchObject({ code: 'BUCKET_UNSUPPORTED' });
    await expect(directory.capabilities()).rejects.toMatchObject({ code: 'BUCKET_UNSUPPORTED' });
    expect(server.requests).toHaveLength(before);
    await directory.close();
  });

  it('sends the sum of a list of keys to be deleted, which some servers insist on', async () => {
    server.answer = {
      status: 200,
      body: '<DeleteResult><Deleted><Key>live/a.json</Key></Deleted></DeleteResult>',
    };
    expect(await store.deleteMany(['a.json'])).toEqual([]);
    expect(server.requests.at(-1)?.headers['content-md5']).toMatch(/^[A-Za-z0-9+/]{22}==$/);
  });
});

const put = (store: S3ObjectStore, key: string, text: string, options: Partial<PutOptions> = {}) =>
  store.put(key, Buffer.from(text), {
    contentType: 'application/json',
    cacheControl: null,
    md5: createHash('md5').update(text).digest('hex'),
    metadata: {},
    ...options,
  });
