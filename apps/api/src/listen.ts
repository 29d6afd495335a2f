import { HoldfastError } from '@holdfast/domain';
import type { ApiServer } from './api.ts';

/**
 * @returns the URL the server answers at
 * @throws  PORT_IN_USE, CONFIG_INVALID
 */
export async function listen(
  server: ApiServer,
  { host, port }: { host: string; port: number },
): Promise<string> {
  try {
    return await server.listen({ host, port, listenTextResolver: (url) => `serving at ${url}` });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new HoldfastError(
        'PORT_IN_USE',
        `Port ${port} of ${host} is taken by another program. Stop it, or set HOLDFAST_PORT to a free one.`,
        { context: { host, port }, cause },
      );
    }
    throw new HoldfastError(
      'CONFIG_INVALID',
      `The server cannot listen on port ${port} of ${host}: ${message}. Set HOLDFAST_HOST and HOLDFAST_PORT to what this machine has.`,
      { context: { host, port }, cause },
    );
  }
}
