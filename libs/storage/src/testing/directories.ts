import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** A new empty directory, with its real path, and how to remove it. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-storage-')));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Every file below a directory with its text, by relative path; an empty directory stands as `<path>/`: null. */
export function readTree(root: string): Record<string, string | null> {
  const tree: Record<string, string | null> = {};
  const walk = (directory: string): void => {
    const entries = readdirSync(directory, { withFileTypes: true });
    if (entries.length === 0 && directory !== root) tree[`${relative(root, directory)}/`] = null;
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) walk(path);
      else tree[relative(root, path)] = entry.isSymbolicLink() ? '<link>' : readFileSync(path, 'utf8');
    }
  };
  walk(root);
  return tree;
}
