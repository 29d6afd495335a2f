import { existsSync, linkSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '@holdfast/domain';
import { translateSqliteError } from '@holdfast/sqlite';

/** What the worker answers: nothing, or what went wrong, as errors lose their fields between threads. */
export type BackupAnswer = { message: string; errcode?: number; code?: string } | null;

/**
 * Copies a database that is in use, in a thread of its own. The copy gets its name when it is complete and
 * durable; a copy that was cut short by a crash has another one (`<target>.tmp.<uuid>`).
 * @throws DISK_FULL, EVENT_STORE_UNAVAILABLE, DATA_DIR_UNUSABLE, DATABASE_CORRUPT; nothing is left then
 */
export async function backUpDatabase(source: string, target: string): Promise<void> {
  const temporary = `${target}.tmp.${randomUUID()}`;
  try {
    if (existsSync(target)) throw Object.assign(new Error('it exists already'), { code: 'EEXIST' });
    const worker = new Worker(new URL('./backup-worker.ts', import.meta.url), {
      workerData: { source, temporary },
    });
    const [answer] = (await once(worker, 'message')) as [BackupAnswer];
    if (answer !== null) throw Object.assign(new Error(answer.message), answer);
    // Unlike a rename, this refuses to replace a file.
    linkSync(temporary, target);
  } catch (error) {
    throw failed(error, target);
  } finally {
    rmSync(temporary, { force: true });
    rmSync(`${temporary}-journal`, { force: true });
  }
}

function failed(error: unknown, target: string): HoldfastError {
  const { code, message } = error as { code?: unknown; message: string };
  if (typeof code !== 'string' || !isFileError(code)) {
    return translateSqliteError(error, { attempted: 'to write the backup', file: target });
  }
  const about = { context: { file: target }, cause: error };
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new HoldfastError(
        'DISK_FULL',
        `There is no room for the backup ${target}. Nothing is left there.`,
        about,
      )
    : new HoldfastError(
        'DATA_DIR_UNUSABLE',
        `The backup ${target} could not be written: ${message}. Name a file that does not exist, in a directory that this user may write.`,
        about,
      );
}

/** As `EEXIST`, unlike Node's own `ERR_SQLITE_ERROR`. */
const isFileError = (code: string): boolean => /^E[A-Z]+$/.test(code);
