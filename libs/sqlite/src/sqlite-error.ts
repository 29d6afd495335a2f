import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ErrorCode, HoldfastError, isHoldfastError } from '@holdfast/domain';

// https://www.sqlite.org/rescode.html: the low byte is the primary code, the rest says more.
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PERM = 3;
const AUTH = 23;
const NOTADB = 26;

/** With less room than this a failed write is taken to lack it: SQLite says FULL for some of them only. */
const NO_ROOM_BYTES = 1024 * 1024;

/** What is read of an error by its shape: errors of Node's own are no `Error` of a test's sandbox. */
interface ErrorShape {
  readonly message?: unknown;
  readonly errcode?: unknown;
}

/** -1 for what does not come from SQLite. */
const primaryCode = (error: unknown): number => {
  const { errcode } = (error ?? {}) as ErrorShape;
  return typeof errcode === 'number' ? errcode & 0xff : -1;
};

/** Another connection holds the lock that was needed; the same call may succeed a moment later. */
export const isBusy = (error: unknown): boolean => {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
};

/**
 * Turns what node:sqlite throws into a named error; one that is named already is returned as it is.
 * @param error             what was caught
 * @param options.attempted for the message, as in "to append to the event log"
 * @param options.file      the database file
 * @param options.busyCode  what a lock that stays taken is called; default EVENT_STORE_UNAVAILABLE
 */
export function translateSqliteError(
  error: unknown,
  options: { attempted: string; file: string; busyCode?: ErrorCode },
): HoldfastError {
  if (isHoldfastError(error)) return error;
  const code = primaryCode(error);
  const { message } = (error ?? {}) as ErrorShape;
  const why = typeof message === 'string' ? message : String(error);
  const named = (name: ErrorCode, advice: string): HoldfastError =>
    new HoldfastError(name, `It was not possible ${options.attempted} (${options.file}): ${why}. ${advice}`, {
      context: { file: options.file },
      cause: error,
    });
  const transient = options.busyCode ?? 'EVENT_STORE_UNAVAILABLE';
  const lacksRoom = code === FULL || ((code === IOERR || code === CANTOPEN) && isOutOfRoom(options.file));
  if (lacksRoom) {
    return named('DISK_FULL', 'Nothing was stored. Make room on this disk; Holdfast then goes on by itself.');
  }
  switch (code) {
    case BUSY:
    case LOCKED:
      return named(transient, 'Another process kept the file locked for too long. Try again.');
    case IOERR:
      return named(transient, 'The disk reports an error; its state and the system log say more. Try again.');
    case CORRUPT:
    case NOTADB:
      return named(
        'DATABASE_CORRUPT',
        'The file is damaged or is no database; docs/errors.md says how to bring it back.',
      );
    case READONLY:
    case CANTOPEN:
    case PERM:
    case AUTH:
      return named(
        'DATA_DIR_UNUSABLE',
        'Check that the directory exists and that this user may read and write it and the file.',
      );
    default:
      return new HoldfastError(
        'INTERNAL',
        `It was not possible ${options.attempted} (${options.file}): ${why}.`,
        {
          context: { file: options.file },
          cause: error,
        },
      );
  }
}

function isOutOfRoom(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize < NO_ROOM_BYTES;
  } catch {
    return false;
  }
}
