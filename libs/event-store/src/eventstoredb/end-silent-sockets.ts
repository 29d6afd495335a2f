import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** In ms, for the sockets that are opened where it is set. */
const patience = new AsyncLocalStorage<number>();
let isWatching = false;

/**
 * Makes a call in which, then and later, sockets are opened to servers that speak first: one on which not a byte has
 * come `ms` after it was opened is ended. gRPC would wait on it for ever where a server takes the connection and then
 * says nothing, such as a proxy whose server is gone; and of most of its sockets nothing can be got hold of otherwise.
 * @throws  what `call` throws
 */
export function endSilentSockets<T>(ms: number, call: () => T): T {
  if (!isWatching) {
    subscribe('net.client.socket', (message) => {
      limit((message as { readonly socket: Socket }).socket);
    });
    isWatching = true;
  }
  return patience.run(ms, call);
}

function limit(socket: Socket): void {
  const ms = patience.getStore();
  if (ms === undefined) return;
  const timer = setTimeout(() => {
    if (socket.bytesRead === 0) socket.destroy();
  }, ms);
  timer.unref();
}
