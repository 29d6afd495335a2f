import { randomInt, randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { waitFor } from '../product.ts';
import { STORAGE_PORT_OFFSET } from './ceph-config.ts';
import { setUpCeph } from './ceph-setup.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import type { S3Server } from './s3-server.ts';

const PROGRAMS = ['ceph', 'ceph-authtool', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];

const CREDENTIALS = { accessKeyId: 'HOLDFASTTEST', secretAccessKey: 'holdfast-test-secret' };

/** Ceph's S3 gateway with its monitor and storage: own ports, own folder below the system's temporary one. */
export interface CephServer extends S3Server {
  readonly folder: string;
  /** Starts it again where it was: same ports, same objects. Returns when it answers. */
  start(): Promise<void>;
  /** Ends every process of it at once, as loss of power does to processes. Objects stay. */
  kill(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** @returns the programs of Ceph that are not on the PATH; empty: a server can be started */
export function missingCephPrograms(): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return PROGRAMS.filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
}

/** Sets up a new server and starts it: about half a minute. */
export async function startCeph(): Promise<CephServer> {
  removeAbandonedFolders();
  const folder = mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
  writeFileSync(join(folder, OWNER_FILE), String(process.pid));
  const monitorPort = await freePortForServer(STORAGE_PORT_OFFSET);
  const s3Port = await freePortForServer();
  const endpoint = `http://127.0.0.1:${s3Port}`;
  const daemons: Daemon[] = [];

  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    // The gateway first: it waits for the others when it is asked to end.
    for (const daemon of daemons.splice(0).reverse()) await daemon.end(signal);
  };
  const server: CephServer = {
    ...{ endpoint, region: 'us-east-1', ...CREDENTIALS, folder },
    start: async () => {
      const conf = ['-c', join(folder, 'ceph.conf')];
      const output = join(folder, 'log/run.out');
      const run = (name: string, ...args: string[]) =>
        daemons.push(startDaemon(name, [...conf, ...args, '-f'], output));
      run('ceph-mon', '-i', 'a');
      run('ceph-osd', '-i', '0');
      run('radosgw', '-n', 'client.rgw');
      await waitFor(
        `Ceph to answer at ${endpoint}`,
        async () => {
          const ended = daemons.find((daemon) => daemon.ended() !== null);
          if (ended)
            throw new Error(`${ended.name} ended with ${ended.ended()}: ${readFileSync(output, 'utf8')}`);
          return (await fetch(endpoint)).status > 0;
        },
        120_000,
      );
    },
    kill: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await setUpCeph({ folder, clusterId: randomUUID(), s3Port, monitorPort }, CREDENTIALS);
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

const FOLDER_PREFIX = 'hf-s3-';
const OWNER_FILE = 'owner';

/** A run that was killed leaves its folder of some hundred megabytes. */
function removeAbandonedFolders(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(FOLDER_PREFIX))) {
    const folder = join(tmpdir(), name);
    const ownerFile = join(folder, OWNER_FILE);
    // Without an owner yet: another process is making it this moment.
    if (existsSync(ownerFile) && !isRunning(Number(readFileSync(ownerFile, 'utf8')))) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A port nobody listens on, below those the system gives to clients: a server that is started again finds it free.
 * @param offset  this far above it must be free too
 */
async function freePortForServer(offset = 0): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    if ((await isFree(port)) && (await isFree(port + offset))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
