import { HoldfastError, isHoldfastError } from '@holdfast/domain/paths';
import { userInfo } from 'node:os';

/** The code of a failed system call, such as `ENOENT`; undefined for any other error. */
export const errnoOf = (error: unknown): string | undefined =>
  // By shape: an error of another realm is no instance of this one's Error.
  typeof error === 'object' && error !== null && 'syscall' in error && 'code' in error
    ? String(error.code)
    : undefined;

/** Who this process is, for messages about permissions. */
export function currentUser(): string {
  const uid = process.geteuid?.();
  try {
    return uid === undefined ? userInfo().username : `${userInfo().username} (uid ${uid})`;
  } catch {
    // A uid without an entry in the user database, as containers have.
    return uid === undefined ? 'this user' : `uid ${uid}`;
  }
}

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

const WHAT_TO_DO: Readonly<Record<string, () => string>> = {
  EACCES: () => `${currentUser()} may not do this: change the owner or the mode of the file or its directory`,
  EPERM: () =>
    `${currentUser()} may not do this: change the owner or the attributes of the file or its directory`,
  EROFS: () => 'the file system is mounted read-only: mount it for writing',
  EIO: () => 'the disk reports an error: look at the kernel log',
  EMFILE: () => 'this process has too many files open: raise its limit (ulimit -n)',
  ENFILE: () => 'the machine has too many files open',
  ELOOP: () => 'there is a symbolic link where Holdfast keeps none: move it away',
  ENOTDIR: () => 'there is a file where a directory should be: move it away',
  EISDIR: () => 'there is a directory where a file should be: move it away',
};

/**
 * Translates the failure of a file operation; what is an error of ours already passes unchanged.
 * @returns DISK_FULL (exhausted) where there is no room, STORAGE_UNAVAILABLE (transient) otherwise
 */
export function fileFailure(error: unknown, about: { attempted: string; file: string }): HoldfastError {
  if (isHoldfastError(error)) return error;
  const errno = errnoOf(error);
  const why = (error as Partial<Error> | null)?.message ?? String(error);
  const context = { file: about.file, attempted: about.attempted, ...(errno === undefined ? {} : { errno }) };
  if (errno !== undefined && NO_ROOM.has(errno)) {
    return new HoldfastError(
      'DISK_FULL',
      `Could not ${about.attempted} ${about.file}: there is no room on its disk (${why}). Make room; it goes on by itself.`,
      { context, cause: error },
    );
  }
  const hint = WHAT_TO_DO[errno ?? '']?.() ?? 'it will be tried again';
  return new HoldfastError(
    'STORAGE_UNAVAILABLE',
    `Could not ${about.attempted} ${about.file}: ${why}; ${hint}.`,
    {
      context,
      cause: error,
    },
  );
}
