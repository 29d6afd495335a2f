import { isHoldfastError } from '@holdfast/domain';

/**
 * What the index of the live files says; null also where it cannot be read, as its writer is about to
 * mend it or to build another, and nothing here hangs on it.
 */
export function readOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isHoldfastError(error)) return null;
    throw error;
  }
}
