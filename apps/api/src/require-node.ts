import type { CatalogNode } from '@holdfast/catalog';
import { HoldfastError } from '@holdfast/domain';
import type { Api } from './api.ts';

/**
 * What a node has last said of itself.
 * @throws NODE_NOT_FOUND
 */
export function requireNode({ catalog }: Pick<Api, 'catalog'>, name: string): CatalogNode {
  const report = catalog.nodes().find(({ node }) => node === name);
  if (report !== undefined) return report;
  throw new HoldfastError(
    'NODE_NOT_FOUND',
    `No node has reported under the name ${JSON.stringify(name.slice(0, 100))}; GET /v1/health lists those that have.`,
    { context: { node: name.slice(0, 100) } },
  );
}
