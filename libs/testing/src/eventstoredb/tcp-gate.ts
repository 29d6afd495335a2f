import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands before the server at an address of its own, which stays while the server behind is replaced. */
export interface TcpGate {
  readonly port: number;
  /** Connections of clients that are open. */
  connections(): number;
  /** Resets every connection. */
  cut(): void;
  /** Takes everything, also new connections, and passes nothing on until it is told `false`. */
  swallow(isOn: boolean): void;
  close(): Promise<void>;
}

/** @param target  asked for each connection */
export async function openTcpGate(target: () => number): Promise<TcpGate> {
  const clients = new Set<Socket>();
  const upstreams = new Set<Socket>();
  let isSwallowing = false;

  const server = createServer((client) => {
    const upstream = connect(target(), '127.0.0.1');
    join(client, upstream, clients);
    join(upstream, client, upstreams);
  });

  function join(from: Socket, to: Socket, set: Set<Socket>): void {
    set.add(from);
    from.setNoDelay(true);
    from.on('error', () => undefined);
    from.on('data', (bytes) => {
      if (isSwallowing) return;
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => {
      from.resume();
    });
    from.on('close', () => {
      set.delete(from);
      to.destroy();
    });
  }

  const cut = (): void => {
    for (const socket of [...clients, ...upstreams]) socket.destroy();
  };
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => clients.size,
    cut,
    swallow: (isOn) => {
      isSwallowing = isOn;
    },
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
