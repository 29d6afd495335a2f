import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname, resolve } from 'node:path';
import { HoldfastError } from '@holdfast/domain';
import type { AddCommand, Context } from '../command.ts';
import { usageInvalid } from '../content-path.ts';
import { EXIT } from '../exit-code.ts';

export const addBackup: AddCommand = (program, attach) => {
  const command = program
    .command('backup')
    .description('copy the whole event log to a file while the server goes on')
    .argument('<file>', 'to be made')
    .option('--force', 'replace a file that is there');
  attach<{ force?: true }>(command, async (context, [given = ''], { force }) => {
    const { client, output } = context;
    const file = resolve(given);
    const refuseToReplace = () => {
      if (force !== true && existsSync(file))
        throw usageInvalid(`The file ${file} is there already; --force replaces it.`);
    };
    refuseToReplace();
    const temporary = `${file}.tmp`;
    const { request, answered } = client.open({
      method: 'GET',
      path: '/v1/backup',
      headers: { accept: '*/*' },
    });
    request.end();
    try {
      const { bytes, sha256 } = await store(context, await answered, temporary);
      refuseToReplace();
      await rename(temporary, file);
      await syncDirectory(dirname(file));
      output.json({ file, bytes, sha256 });
      output.line(`Copied the log to ${file} (${bytes} bytes, sha256 ${sha256}).`);
      return EXIT.done;
    } catch (error) {
      request.destroy();
      await rm(temporary, { force: true });
      throw error;
    }
  });
};

/** Durable on disk, and what the server sent, or an error. */
async function store(
  { client, output }: Context,
  answer: IncomingMessage,
  file: string,
): Promise<{ bytes: number; sha256: string }> {
  const progress = output.progress();
  const total = Number(answer.headers['content-length'] ?? Number.NaN);
  const hash = createHash('sha256');
  let bytes = 0;
  const target = await openForWriting(file);
  try {
    for await (const chunk of chunksOf(answer, client)) {
      hash.update(chunk);
      await target.writeFile(chunk).catch((cause: unknown) => {
        throw cannotWrite(file, cause);
      });
      bytes += chunk.length;
      progress.update('bytes', bytes, Number.isNaN(total) ? null : total);
    }
    await target.sync();
  } finally {
    await target.close();
    progress.end();
  }
  const digest = hash.digest();
  if (answer.headers['repr-digest'] !== `sha-256=:${digest.toString('base64')}:`) {
    throw new HoldfastError(
      'HASH_MISMATCH',
      `The copy of the log that arrived is not the one the server sent; it was thrown away. Run the command again.`,
    );
  }
  return { bytes, sha256: digest.toString('hex') };
}

/** Failures of the connection and of the disk are told apart. */
async function* chunksOf(answer: IncomingMessage, client: Context['client']): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw client.unreachable(error);
  }
}

async function openForWriting(file: string) {
  try {
    return await open(file, 'w');
  } catch (cause) {
    throw cannotWrite(file, cause);
  }
}

const cannotWrite = (file: string, cause: unknown): HoldfastError => {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new HoldfastError('DISK_FULL', `There is no room for ${file}; nothing is left of it.`, { cause })
    : usageInvalid(`The file ${file} cannot be written: ${message}.`, cause);
};

async function syncDirectory(directory: string): Promise<void> {
  // A directory cannot be opened on Windows, and need not be.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
