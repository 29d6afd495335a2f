import { opendir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * How many names there are below a directory, never through a symbolic link; 0 where it is none. What cannot be read
 * counts as one name.
 * @throws  an `AbortError` when the signal aborts first
 */
export async function countInside(directory: string, signal?: AbortSignal): Promise<number> {
  let count = 0;
  for (const left = [directory]; ;) {
    const next = left.pop();
    if (next === undefined) return count;
    signal?.throwIfAborted();
    try {
      for await (const entry of await opendir(next)) {
        count += 1;
        if (entry.isDirectory()) left.push(join(next, entry.name));
      }
    } catch {
      // Gone, or not to be read: it has been counted where it was met.
    }
  }
}
