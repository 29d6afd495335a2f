import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import type { TerminalStream } from '../output/output.ts';
import { runProgram } from '../program.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one command in this process, as if output went to a file.
 * @param columns  how wide that says it is, as a terminal does
 */
export async function runCli(
  args: readonly string[],
  env: Record<string, string>,
  signal: AbortSignal = new AbortController().signal,
  columns = 0,
): Promise<Ran> {
  const [stdout, stderr] = [collector(columns), collector(columns)];
  const exitCode = await runProgram(args, { env, stdout: stdout.stream, stderr: stderr.stream, signal });
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

function collector(columns: number): { stream: TerminalStream; text: () => string } {
  let text = '';
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return { stream: Object.assign(stream, { columns }), text: () => text };
}

/** A server that misbehaves as the listener says, on a free port. */
export async function serve(listener: RequestListener): Promise<{ url: string; close: () => Promise<void> }> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, close };
}
