import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '@holdfast/domain';

const NAME = /^api\.[0-9a-f-]{36}\.tmp/;

export const temporaryName = (dataDir: string): string => join(dataDir, `api.${randomUUID()}.tmp`);

/** What a process that was killed left behind; to be called by the holder of the API's lock. */
export function removeTemporaryFiles(dataDir: string): void {
  for (const name of readdirSync(dataDir)) if (NAME.test(name)) rmSync(join(dataDir, name), { force: true });
}

/** A file without a name: gone when it is closed, however the process ends. */
export class TemporaryFile {
  readonly #fd: number;
  #bytes = 0;

  /** @throws DISK_FULL, STORAGE_UNAVAILABLE */
  constructor(dataDir: string) {
    this.#fd = attempt(dataDir, () => {
      const name = temporaryName(dataDir);
      const fd = openSync(name, 'wx+', 0o600);
      unlinkSync(name);
      return fd;
    });
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws DISK_FULL, STORAGE_UNAVAILABLE */
  append(chunk: Uint8Array): void {
    attempt('a temporary file', () => {
      for (let written = 0; written < chunk.length;) {
        written += writeSync(this.#fd, chunk, written, chunk.length - written, this.#bytes + written);
      }
    });
    this.#bytes += chunk.length;
  }

  read(offset: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.min(length, this.#bytes - offset));
    for (let filled = 0; filled < buffer.length;) {
      filled += readSync(this.#fd, buffer, filled, buffer.length - filled, offset + filled);
    }
    return buffer;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function attempt<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const { code: errno, message } = cause as NodeJS.ErrnoException;
    const isFull = errno === 'ENOSPC' || errno === 'EDQUOT';
    throw new HoldfastError(
      isFull ? 'DISK_FULL' : 'STORAGE_UNAVAILABLE',
      `Could not write a temporary file (${where}): ${message}.`,
      { cause },
    );
  }
}
