import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type FaultProxy, startFaultProxy } from '../fault-proxy/fault-proxy.ts';
import { type Fault, scriptedFaults } from '../fault-proxy/faults.ts';
import { makeS3Bucket, type S3Bucket, s3Client } from './s3-bucket.ts';
import { describeWithS3 } from './s3-suite.ts';

// The client wraps errors of Node itself when it runs in a context of its own, as specs do; the text stays.
const RESET = { message: expect.stringContaining('ECONNRESET') };

describeWithS3('a real S3 server behind the fault proxy', (server) => {
  let bucket: S3Bucket;
  let proxy: FaultProxy;
  let client: S3Client;

  beforeEach(async () => {
    bucket = await makeS3Bucket(server);
    proxy = await startFaultProxy(server.endpoint);
    client = s3Client({ ...server, endpoint: proxy.endpoint }, { maxAttempts: 1 });
  });

  afterEach(async () => {
    client.destroy();
    await proxy.close();
    await bucket.remove();
  });

  const put = (Key: string, Body: string) =>
    client.send(new PutObjectCommand({ Bucket: bucket.name, Key, Body }));
  const keys = async () => {
    const { Contents = [] } = await bucket.client.send(new ListObjectsV2Command({ Bucket: bucket.name }));
    return Contents.map(({ Key }) => Key);
  };

  it('takes the signatures of a client that knows only the proxy', async () => {
    await put('units/é 1.json', 'one');
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket.name, Key: 'units/é 1.json' }));
    expect(await Body?.transformToString()).toBe('one');
    expect(proxy.requests).toMatchObject([
      { method: 'PUT', path: `/${bucket.name}/units/é 1.json`, status: 200, isAnswered: true },
      { method: 'GET', path: `/${bucket.name}/units/é 1.json`, status: 200, isAnswered: true },
    ]);
  });

  it.each<[Fault['kind'], object, string[]]>([
    ['slow-down', { name: 'SlowDown', $metadata: { httpStatusCode: 503 } }, []],
    ['internal-error', { name: 'InternalError', $metadata: { httpStatusCode: 500 } }, []],
    ['reset-in-request', RESET, []],
    ['reset-before-answer', RESET, []],
    ['lost-answer', RESET, ['u1.json']],
    ['truncated-answer', {}, ['u1.json']],
  ])(
    '%s reaches the client as an error, and leaves in the bucket what it says',
    async (kind, error, left) => {
      proxy.inject(scriptedFaults([{ kind } as Fault]));
      await expect(put('u1.json', 'x'.repeat(100_000))).rejects.toMatchObject(error);
      expect(await keys()).toEqual(left);

      await put('u1.json', 'again');
      expect(await keys()).toEqual(['u1.json']);
    },
  );
});
