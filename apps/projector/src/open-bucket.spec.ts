import { hash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ObjectStore, systemClock } from '@holdfast/domain';
import { readConfig } from './config.ts';
import { openBucket } from './open-bucket.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-bucket-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const open = (env: Record<string, string>): Promise<ObjectStore> =>
  openBucket(readConfig({ HOLDFAST_DATA_DIR: dataDir, ...env }), systemClock, () => undefined);

const put = (bucket: ObjectStore) =>
  bucket.put('units/u1.json', Buffer.from('1'), {
    contentType: 'application/json',
    cacheControl: null,
    md5: hash('md5', '1'),
    metadata: {},
  });

describe('the bucket of the settings', () => {
  it('is a folder in the data directory, or the one that is named', async () => {
    const embedded = await open({});
    await put(embedded);
    const named = await open({ HOLDFAST_BUCKET: `folder:${join(dataDir, 'elsewhere')}` });
    await put(named);
    expect(
      ['bucket', 'elsewhere'].map((folder) => existsSync(join(dataDir, folder, 'units/u1.json'))),
    ).toEqual([true, true]);
    await Promise.all([embedded.close(), named.close()]);
  });

  it('is on an S3 server, asked in its region with the keys, below the prefix, and again when it is busy', async () => {
    const asked: { line: string; authorization: string }[] = [];
    const server = createServer((request, response) => {
      asked.push({
        line: `${request.method} ${request.url}`,
        authorization: request.headers.authorization ?? '',
      });
      const status = asked.length === 1 ? 503 : 200;
      request.resume().once('end', () => response.writeHead(status, { etag: '"e"' }).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bucket = await open({
      HOLDFAST_BUCKET: 's3://site/live',
      HOLDFAST_S3_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      HOLDFAST_S3_REGION: 'eu-west-1',
      HOLDFAST_S3_ACCESS_KEY_ID: 'KEY',
      HOLDFAST_S3_SECRET_ACCESS_KEY: 'secret',
    });
    expect([bucket.reservedKeyBytes, bucket.settleMs]).toEqual([5, 60_000]);
    expect(await put(bucket)).toMatchObject({ etag: 'e' });
    const line = expect.stringMatching(/^PUT \/site\/live\/units\/u1\.json/);
    const authorization = expect.stringMatching(/Credential=KEY\/\d+\/eu-west-1\/s3\//);
    expect(asked).toEqual(Array(2).fill({ line, authorization }));
    await bucket.close();
    await new Promise((resolve) => server.close(resolve));
  });
});
