/** What one Ceph needs to know of itself; everything of it is below one folder and on loopback. */
export interface CephPlace {
  /** Absolute and short: Ceph makes Unix sockets below it, whose names have at most 107 bytes. */
  readonly folder: string;
  readonly clusterId: string;
  readonly s3Port: number;
  /** The storage daemon takes four of the hundred ports from 100 above it. */
  readonly monitorPort: number;
}

export const STORAGE_PORT_OFFSET = 100;

/** Names of the pools the gateway uses; it is slow to make them itself. */
export const POOLS = [
  '.rgw.root',
  ...['log', 'control', 'meta', 'buckets.index', 'buckets.data', 'buckets.non-ec'].map(
    (pool) => `default.rgw.${pool}`,
  ),
];

const QUIET = [
  'ms',
  'osd',
  'bluestore',
  'bdev',
  'bluefs',
  'rocksdb',
  'mon',
  'paxos',
  'objecter',
  'rados',
  'rgw',
];

/** The text of `ceph.conf`: one monitor, one storage daemon that keeps one copy, one S3 gateway. */
export function cephConfig({ folder, clusterId, s3Port, monitorPort }: CephPlace): string {
  const storagePort = monitorPort + STORAGE_PORT_OFFSET;
  return `[global]
fsid = ${clusterId}
mon host = [v2:127.0.0.1:${monitorPort}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
ms bind port min = ${storagePort}
ms bind port max = ${storagePort + 99}
run dir = ${folder}/sock
admin socket = ${folder}/sock/$name.asok
crash dir = ${folder}/log
log file = ${folder}/log/$name.log
keyring = ${folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 1
mon data avail warn = 2
# Half the time of a restart: the gateway notices soon that the storage is another process than before.
objecter timeout = 1
objecter tick interval = 0.5
${QUIET.map((part) => `debug ${part} = 0/0`).join('\n')}
[mon.a]
mon data = ${folder}/mon
[osd.0]
osd data = ${folder}/osd
osd objectstore = bluestore
bluestore block create = true
bluestore block size = ${20 * 2 ** 30}
bluestore cache autotune = false
bluestore cache size = ${128 * 2 ** 20}
osd max object name len = 1100
[client.rgw]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${s3Port}
rgw enable usage log = false
rgw enable ops log = false
rgw dynamic resharding = false
`;
}
