import { HoldfastError, parseDirectory } from '@holdfast/domain';

/** A path in a URL: each segment encoded, the slashes kept. */
export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/**
 * A directory a person typed, with or without its `/`.
 * @returns empty for the root
 * @throws  PATH_INVALID
 */
export function readPrefix(text: string): string {
  const bare = text.replace(/\/+$/, '');
  return bare === '' ? '' : parseDirectory(`${bare}/`);
}

export const usageInvalid = (message: string, cause?: unknown): HoldfastError =>
  new HoldfastError('USAGE_INVALID', message, { cause });
