import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fileFailure } from './file-errors.ts';
import { inSlices } from './slices.ts';

/**
 * Removes a directory with all that is in it, links themselves and not what they point to. Takes breaks, as there
 * may be a hundred thousand files; whatever is gone already is fine.
 * @throws STORAGE_UNAVAILABLE; a part may be left
 */
export async function removeTree(directory: string): Promise<void> {
  await tolerant(directory, async () => {
    const entries = readdirSync(directory, { withFileTypes: true });
    await inSlices(
      entries.filter((entry) => !entry.isDirectory()),
      (entry) => unlinkSync(join(directory, entry.name)),
    );
    for (const entry of entries) {
      if (entry.isDirectory()) await removeTree(join(directory, entry.name));
    }
    rmdirSync(directory);
  });
}

async function tolerant(directory: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw fileFailure(error, { attempted: 'remove', file: directory });
  }
}
