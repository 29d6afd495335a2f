import { HeadBucketCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from '@jest/globals';
import { makeS3Bucket, s3Client } from './s3-bucket.ts';
import { describeWithS3 } from './s3-suite.ts';

describeWithS3('an S3 bucket of a test', (server) => {
  it('takes objects, and goes with all of them', async () => {
    const bucket = await makeS3Bucket(server);
    const { name, client } = bucket;
    const keys = ['a', 'a/b', 'é ?.json'];
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: name, Key, Body: 'x' }));
    const listed = await client.send(new ListObjectsV2Command({ Bucket: name }));
    expect(listed.Contents?.map(({ Key }) => Key)).toEqual(keys);

    await bucket.remove();

    const another = s3Client(server);
    await expect(another.send(new HeadBucketCommand({ Bucket: name }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    });
    another.destroy();
  });

  it('is not shared with another test', async () => {
    const buckets = await Promise.all([makeS3Bucket(server), makeS3Bucket(server)]);
    expect(new Set(buckets.map(({ name }) => name)).size).toBe(2);
    for (const bucket of buckets) await bucket.remove();
  });
});
