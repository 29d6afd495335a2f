import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../product.ts';
import { type CephPlace, cephConfig, POOLS } from './ceph-config.ts';
import { run } from './daemon.ts';
import type { S3Server } from './s3-server.ts';

const configOption = (place: CephPlace): string[] => ['-c', join(place.folder, 'ceph.conf')];
const keyring = (place: CephPlace): string => join(place.folder, 'keyring');
const mayAll = (...parts: string[]): string[] => parts.flatMap((part) => ['--cap', part, 'allow *']);

/** Keys and an empty monitor, in an empty folder. */
export async function makeMonitor(place: CephPlace): Promise<void> {
  const { folder, clusterId, monitorPort } = place;
  for (const name of ['mon', 'osd', 'rgw', 'sock', 'log']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'ceph.conf'), cephConfig(place));

  await run('ceph-authtool', ['-C', keyring(place), '--gen-key', '-n', 'mon.', ...mayAll('mon')]);
  for (const client of ['client.admin', 'client.rgw']) {
    await run('ceph-authtool', [
      ...[keyring(place), '--gen-key', '-n', client],
      ...mayAll('mon', 'osd', 'mgr'),
    ]);
  }
  const monitors = join(folder, 'monmap');
  const address = `[v2:127.0.0.1:${monitorPort}]`;
  await run('monmaptool', [
    ...['--create', '--fsid', clusterId, '--addv', 'a', address, '--enable-all-features', monitors],
  ]);
  await run('ceph-mon', [
    ...[...configOption(place), '--mkfs', '-i', 'a', '--monmap', monitors, '--keyring', keyring(place)],
  ]);
}

/** An empty storage daemon; the monitor runs. */
export async function makeStorage(place: CephPlace): Promise<void> {
  const storageId = randomUUID();
  const key = (await run('ceph-authtool', ['--gen-print-key'])).trim();
  await run(
    'ceph',
    [...configOption(place), '--connect-timeout', '60', 'osd', 'new', storageId, '-i', '-'],
    JSON.stringify({ cephx_secret: key }),
  );
  await run('ceph-authtool', [keyring(place), '-n', 'osd.0', '--add-key', key]);
  await run('ceph-osd', [...configOption(place), '-i', '0', '--mkfs', '--osd-uuid', storageId]);
}

/** Pools and a user who may make any number of buckets; monitor and storage run. */
export async function makeUser(place: CephPlace, user: S3Server): Promise<void> {
  const isUp = async () => /\b1 up\b/.test(await run('ceph', [...configOption(place), 'osd', 'stat']));
  await waitFor('the storage daemon to be up', isUp, 120_000);
  // One `ceph` that reads its commands: each start of it takes most of a second.
  await run(
    'ceph',
    configOption(place),
    POOLS.map((pool) => `osd pool create ${pool} 8 8\nosd pool application enable ${pool} rgw\n`).join(''),
  );
  await run('radosgw-admin', [
    ...[...configOption(place), '-n', 'client.rgw'],
    ...['user', 'create', '--uid=test', '--display-name=test', '--max-buckets=0'],
    ...[`--access-key=${user.accessKeyId}`, `--secret-key=${user.secretAccessKey}`],
  ]);
}
