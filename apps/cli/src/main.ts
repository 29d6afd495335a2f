import { runProgram } from './program.ts';

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
// Whoever read our output has had enough of it, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runProgram(process.argv.slice(2), {
  // eslint-disable-next-line no-restricted-properties -- handed to config.ts, which alone reads it
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stopped.signal,
});
