import { randomUUID } from 'node:crypto';
import { accessSync, constants, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { waitFor } from '../product.ts';
import { type CephPlace, STORAGE_PORT_OFFSET } from './ceph-config.ts';
import { makeMonitor, makeStorage, makeUser } from './ceph-setup.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { makeOwnFolder } from './own-folder.ts';
import type { S3Server } from './s3-server.ts';
import { serverPort } from './server-port.ts';

const PROGRAMS = ['ceph', 'ceph-authtool', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];

const CREDENTIALS = { accessKeyId: 'HOLDFASTTEST', secretAccessKey: 'holdfast-test-secret' };

const DAEMONS = {
  monitor: { program: 'ceph-mon', args: ['-i', 'a'] },
  storage: { program: 'ceph-osd', args: ['-i', '0'] },
  gateway: { program: 'radosgw', args: ['-n', 'client.rgw'] },
} as const;

/** Ceph's S3 gateway with its monitor and its storage: own ports on loopback, own temporary folder. */
export interface CephServer extends S3Server {
  readonly folder: string;
  /** Ends every process of it at once; nothing acknowledged is lost. */
  kill(): Promise<void>;
  /** Starts it again where it was, with what was in it. Returns when it answers. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** @returns the programs of Ceph that are not on the PATH; empty: a server can be started */
export function missingCephPrograms(path: string = process.env['PATH'] ?? ''): string[] {
  const folders = path.split(delimiter);
  return PROGRAMS.filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
}

/** Makes a new, empty server and starts it; takes about twenty seconds. It ends with this process at the latest. */
export async function startCeph(): Promise<CephServer> {
  const place: CephPlace = {
    folder: makeOwnFolder(),
    clusterId: randomUUID(),
    s3Port: await serverPort(),
    monitorPort: await serverPort(STORAGE_PORT_OFFSET),
  };
  const endpoint = `http://127.0.0.1:${place.s3Port}`;
  const outputFile = join(place.folder, 'log/output');
  const running: Daemon[] = [];

  const run = (daemon: keyof typeof DAEMONS): void => {
    const { program, args } = DAEMONS[daemon];
    const conf = ['-c', join(place.folder, 'ceph.conf'), '-f'];
    running.push(startDaemon(program, [...conf, ...args], outputFile));
  };
  const untilItAnswers = async (): Promise<void> => {
    const ended = () => running.find((daemon) => daemon.ended() !== null);
    const isOver = async () => ended() !== undefined || (await fetch(endpoint)).status > 0;
    await waitFor(`Ceph to answer at ${endpoint}`, isOver, 120_000);
    const early = ended();
    if (early)
      throw new Error(`${early.name} ended with ${early.ended()}: ${readFileSync(outputFile, 'utf8')}`);
  };

  const server: CephServer = {
    ...{ endpoint, region: 'us-east-1', ...CREDENTIALS, folder: place.folder },
    kill: async () => {
      await Promise.all(running.splice(0).map((daemon) => daemon.kill()));
    },
    start: async () => {
      run('monitor');
      run('storage');
      run('gateway');
      await untilItAnswers();
    },
    stop: async () => {
      await server.kill();
      rmSync(place.folder, { recursive: true, force: true });
    },
  };
  try {
    await makeMonitor(place);
    run('monitor');
    await makeStorage(place);
    run('storage');
    await makeUser(place, server);
    run('gateway');
    await untilItAnswers();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
