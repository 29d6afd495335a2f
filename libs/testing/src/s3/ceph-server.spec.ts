import { existsSync } from 'node:fs';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { missingCephPrograms, startCeph } from './ceph-server.ts';
import { makeS3Bucket } from './s3-bucket.ts';
import { describeWithCeph } from './s3-suite.ts';

const MINUTES = 60_000;

describe('missingCephPrograms', () => {
  it('names what is on none of the folders of PATH', () => {
    expect(missingCephPrograms('/nowhere')).toEqual(
      expect.arrayContaining(['ceph-mon', 'ceph-osd', 'radosgw']),
    );
  });
});

describeWithCeph('startCeph', () => {
  it(
    'keeps objects where they were when it is killed and started again, and leaves nothing when it is stopped',
    async () => {
      const server = await startCeph();
      const { name, client } = await makeS3Bucket(server);
      const object = { Bucket: name, Key: 'units/u1.json' };
      await client.send(new PutObjectCommand({ ...object, Body: '{"id":"u1"}' }));

      await server.kill();
      await expect(fetch(server.endpoint)).rejects.toThrow();

      await server.start();
      const { Body } = await client.send(new GetObjectCommand(object));
      expect(await Body?.transformToString()).toBe('{"id":"u1"}');

      await server.stop();
      client.destroy();
      await expect(fetch(server.endpoint)).rejects.toThrow();
      expect(existsSync(server.folder)).toBe(false);
    },
    5 * MINUTES,
  );
});
