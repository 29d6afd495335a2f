import type { NewEvent } from '@holdfast/domain';

/**
 * What a tree should hold, as plainly as it can be said: each publish moves the live text to `.prev`, each
 * delete takes both away.
 */
export function expectedTree(history: readonly NewEvent[]): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const event of history) {
    if (event.type === 'ContentPublished') {
      const { path } = event.data;
      if (tree[path] !== undefined) tree[`${path}.prev`] = tree[path];
      tree[path] = Buffer.from(event.body ?? []).toString();
    }
    if (event.type === 'ContentDeleted') {
      delete tree[event.data.path];
      delete tree[`${event.data.path}.prev`];
    }
  }
  return tree;
}
