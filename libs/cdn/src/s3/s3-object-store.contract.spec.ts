import { describe, jest } from '@jest/globals';
import { objectStoreContract } from '@holdfast/domain/testing';
import { makeS3Bucket } from '@holdfast/testing/s3-bucket';
import { describeWithS3 } from '@holdfast/testing/s3-suite';
import { S3ObjectStore } from './s3-object-store.ts';

// A thousand objects over a network, on a machine that does other things besides.
jest.setTimeout(120_000);

describeWithS3('S3ObjectStore', (server) => {
  describe.each([
    ['a whole bucket', ''],
    ['the part of a bucket below a prefix', 'a site/été/'],
  ])('on %s', (_, prefix) => {
    objectStoreContract(async () => {
      const { endpoint, region, accessKeyId, secretAccessKey } = server;
      const bucket = await makeS3Bucket(server);
      const store = new S3ObjectStore({
        bucket: bucket.name,
        prefix,
        endpoint,
        region,
        credentials: { accessKeyId, secretAccessKey },
        forcePathStyle: true,
        timeoutMs: 30_000,
        maxSockets: 32,
      });
      return { store, dispose: () => bucket.remove() };
    });
  });
});
