import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, expect, it } from '@jest/globals';
import { endSilentSockets } from './end-silent-sockets.ts';

const PATIENCE_MS = 100;
const LONG_AFTER_MS = 300;
/** A key that both sides know spares the certificate. */
const SHARED_KEY = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
const PSK = Buffer.from('of this spec alone');

const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  sockets.push(socket.resume());
  await once(socket, 'connect');
  return socket;
}

const keep = (socket: Socket): void => {
  sockets.push(socket.on('error', () => undefined));
};

it('ends a connection on which nothing came, and no other', async () => {
  const silent = await listen(createServer(keep));
  const greeting = await listen(
    createServer((socket) => {
      keep(socket);
      socket.write('hello');
    }),
  );
  const [ended, greeted] = await endSilentSockets(PATIENCE_MS, async () => {
    // What is opened later counts too.
    await delay(5);
    return [await open(silent), await open(greeting)] as const;
  });
  const elsewhere = await open(silent);
  await delay(LONG_AFTER_MS);
  expect([ended, greeted, elsewhere].map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
});

it('knows of what came inside TLS', async () => {
  const server = createTlsServer({ ...SHARED_KEY, pskCallback: () => PSK }, keep);
  const port = await listen(server);
  const socket = endSilentSockets(PATIENCE_MS, () => connect(port, '127.0.0.1'));
  const secure = connectTls({
    ...SHARED_KEY,
    socket,
    pskCallback: () => ({ psk: PSK, identity: 'spec' }),
    checkServerIdentity: () => undefined,
  });
  keep(secure);
  await once(secure, 'secureConnect');
  await delay(LONG_AFTER_MS);
  expect(secure.destroyed).toBe(false);
});
