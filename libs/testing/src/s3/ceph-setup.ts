import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../product.ts';
import { type CephPlace, cephConfig, POOLS } from './ceph-config.ts';
import { run, startDaemon } from './daemon.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * Makes a new Ceph in an empty folder: keys, monitor, storage, pools and one S3 user. Nothing runs afterwards.
 * Takes 10 to 25 s.
 */
export async function setUpCeph(place: CephPlace, credentials: S3Credentials): Promise<void> {
  const { folder, clusterId, monitorPort } = place;
  const keyring = join(folder, 'keyring');
  const conf = ['-c', join(folder, 'ceph.conf')];
  const output = join(folder, 'log/set-up.out');
  for (const name of ['mon', 'osd', 'rgw', 'sock', 'log']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'ceph.conf'), cephConfig(place));

  const all = (...parts: string[]) => parts.flatMap((part) => ['--cap', part, 'allow *']);
  await run('ceph-authtool', ['-C', keyring, '--gen-key', '-n', 'mon.', ...all('mon')]);
  for (const client of ['client.admin', 'client.rgw']) {
    await run('ceph-authtool', [keyring, '--gen-key', '-n', client, ...all('mon', 'osd', 'mgr')]);
  }
  const monitors = join(folder, 'monmap');
  const address = `[v2:127.0.0.1:${monitorPort}]`;
  await run('monmaptool', [
    ...['--create', '--fsid', clusterId, '--addv', 'a', address, '--enable-all-features', monitors],
  ]);
  await run('ceph-mon', [...conf, '--mkfs', '-i', 'a', '--monmap', monitors, '--keyring', keyring]);

  const monitor = startDaemon('ceph-mon', [...conf, '-i', 'a', '-f'], output);
  try {
    await makeStorage(conf, keyring, output, credentials);
  } finally {
    await monitor.end('SIGTERM');
  }
}

async function makeStorage(
  conf: readonly string[],
  keyring: string,
  output: string,
  credentials: S3Credentials,
): Promise<void> {
  const storageId = randomUUID();
  const key = (await run('ceph-authtool', ['--gen-print-key'])).trim();
  await run(
    'ceph',
    [...conf, '--connect-timeout', '60', 'osd', 'new', storageId, '-i', '-'],
    JSON.stringify({ cephx_secret: key }),
  );
  await run('ceph-authtool', [keyring, '-n', 'osd.0', '--add-key', key]);
  await run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', storageId]);

  const storage = startDaemon('ceph-osd', [...conf, '-i', '0', '-f'], output);
  try {
    await waitFor('the storage daemon to be up', async () =>
      /\b1 up\b/.test(await run('ceph', [...conf, 'osd', 'stat'])),
    );
    // One `ceph` that reads its commands: each start of it takes a second.
    await run(
      'ceph',
      [...conf],
      POOLS.map((pool) => `osd pool create ${pool} 8 8\nosd pool application enable ${pool} rgw\n`).join(''),
    );
    await run('radosgw-admin', [
      ...conf,
      ...['-n', 'client.rgw', 'user', 'create', '--uid=test', '--display-name=test', '--max-buckets=0'],
      ...[`--access-key=${credentials.accessKeyId}`, `--secret-key=${credentials.secretAccessKey}`],
    ]);
  } finally {
    await storage.end('SIGTERM');
  }
}
