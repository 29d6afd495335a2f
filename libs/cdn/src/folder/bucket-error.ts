import { type ErrorCode, HoldfastError } from '@holdfast/domain';
import { translateSqliteError } from '@holdfast/sqlite';

/** By shape: an error made by Node itself is no `instanceof Error` in a context of its own, as tests have. */
const errnoOf = (error: unknown): string | null => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : null;
};

/** The path leads to nothing, or through something that is no directory or a symbolic link. */
export const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '');

export const hasErrno = (error: unknown, ...errnos: string[]): boolean =>
  errnos.includes(errnoOf(error) ?? '');

/** One file or directory alone may fail so, with the bucket around it as it should be. */
export const isUnreadable = (error: unknown): boolean =>
  hasErrno(error, 'EACCES', 'EPERM', 'EIO', 'EUCLEAN', 'EBADMSG');

export const bucketUnavailable = (
  folder: string,
  attempted: string,
  why: string,
  cause?: unknown,
): HoldfastError =>
  new HoldfastError(
    'OBJECT_STORE_UNAVAILABLE',
    `It was not possible ${attempted} in the folder bucket ${folder}: ${why}`,
    {
      context: { folder },
      cause,
    },
  );

/** What a data directory must have is only lacking for a while in a bucket, which may be mended meanwhile. */
const UNAVAILABLE: readonly ErrorCode[] = [
  'DATA_DIR_UNUSABLE',
  'STORAGE_UNAVAILABLE',
  'EVENT_STORE_UNAVAILABLE',
  'INTERNAL',
];

/** What went wrong, as the object store port names it. */
export function translateBucketError(error: unknown, folder: string, attempted: string): HoldfastError {
  if (hasErrno(error, 'ENOSPC', 'EDQUOT')) {
    return new HoldfastError(
      'DISK_FULL',
      `It was not possible ${attempted} in the folder bucket ${folder}: there is no room on its disk. Make room there; Holdfast then goes on by itself.`,
      { context: { folder }, cause: error },
    );
  }
  const known = translateSqliteError(error, {
    attempted,
    file: folder,
    busyCode: 'OBJECT_STORE_UNAVAILABLE',
  });
  if (!UNAVAILABLE.includes(known.code)) return known;
  const advice = 'Check that the folder is there and that this user may read and write it.';
  return bucketUnavailable(folder, attempted, `${(error as Error).message}. ${advice}`, error);
}
