import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '@holdfast/domain';
import { createS3Client, type S3ClientOptions } from './s3-client.ts';
import { PutObject } from './put-object.ts';
import type { S3Request, S3Response, S3Transport } from './s3-transport.ts';

const aws: S3ClientOptions = {
  endpoint: null,
  region: 'eu-west-1',
  credentials: { accessKeyId: 'KEY', secretAccessKey: 'secret' },
  forcePathStyle: false,
};
const elsewhere = { ...aws, endpoint: 'http://s3.example.org:9000', forcePathStyle: true };
const BYTES = Buffer.from('{"id":"u1"}');
const MD5 = '7ad2b1e5a9a2c1c4b9e0e0b6a54ff0e7';

/** Takes requests, and answers that all went well. */
function recordingTransport() {
  const sent: S3Request[] = [];
  const answer: S3Response = { statusCode: 200, reason: 'OK', headers: { etag: '"e"' }, body: undefined };
  const send = (request: S3Request): Promise<S3Response> => {
    sent.push(request);
    return Promise.resolve(answer);
  };
  return { sent, transport: { send } as unknown as S3Transport };
}

/** Without what differs with the moment, and what says only which program it is. */
function comparable({ protocol, hostname, port, method, path, query, headers, body }: S3Request) {
  const { authorization = '', ...others } = headers;
  const signed = /SignedHeaders=([^,]*)/.exec(authorization)?.[1]?.split(';') ?? [];
  const isEqual = (name: string): boolean => !/^(x-amz-date|amz-sdk-.*|(x-amz-)?user-agent)$/.test(name);
  const known = Object.entries(others).filter(([name]) => isEqual(name));
  const asked = Object.entries(query ?? {}).filter(([name]) => name !== 'x-id');
  return {
    ...{ protocol, hostname, port, method, path, asked, body },
    headers: Object.fromEntries(known),
    signed: signed.filter(isEqual),
    scope: /Credential=KEY\/\d+\/([^,]*)/.exec(authorization)?.[1],
  };
}

describe('the request for a put', () => {
  it.each<[string, string, S3ClientOptions]>([
    ['in the host name', 'site', aws],
    ['of the oldest region', 'site', { ...aws, region: 'us-east-1' }],
    ['in the path', 'site', { ...aws, forcePathStyle: true }],
    ['with dots, which no certificate covers', 'www.example.org', aws],
    ['on another server', 'site', elsewhere],
    ['on another server over TLS', 'site', { ...elsewhere, endpoint: 'https://s3.example.org' }],
    ['in the host name of another server', 'site', { ...elsewhere, forcePathStyle: false }],
    [
      'below the path of another server',
      'site',
      { ...elsewhere, endpoint: 'https://example.org/storage/s3' },
    ],
    ['of R2', 'site', { ...elsewhere, endpoint: 'https://a1b2.r2.cloudflarestorage.com', region: 'auto' }],
  ])('to a bucket %s is what the client would send', async (_, bucket, options) => {
    const { sent, transport } = recordingTransport();
    const client = createS3Client(options, transport, systemClock);
    const key = "live/A (1), b=2 @home ~x+'!*/été/日本語/𝒜.json";
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: BYTES,
        ContentMD5: Buffer.from(MD5, 'hex').toString('base64'),
        ContentType: 'application/json; charset=utf-8',
        CacheControl: 'no-cache',
        IfMatch: '"e"',
        Metadata: { sha256: 'a'.repeat(64), 'holdfast-log': 'c0ffee' },
      }),
    );
    // Its own: the first use of a client decides how it signs.
    const own = createS3Client(options, transport, systemClock);
    await new PutObject(bucket, options, { client: own, transport }).send(
      key,
      BYTES,
      {
        contentType: 'application/json; charset=utf-8',
        cacheControl: 'no-cache',
        md5: MD5,
        metadata: { sha256: 'a'.repeat(64), 'holdfast-log': 'c0ffee' },
        ifMatch: '"e"',
      },
      undefined,
    );
    const [theirs, ours] = sent.map(comparable);
    expect(ours).toEqual(theirs);
  });
});
