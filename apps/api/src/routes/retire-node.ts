import type { Catalog, CatalogAlert } from '@holdfast/catalog';
import { alertStream, HoldfastError, newEventId, nodeStream } from '@holdfast/domain';
import { isSilent } from '@holdfast/health';
import { z } from 'zod';
import type { Api, ApiServer } from '../api.ts';
import { metadataOf } from '../command-metadata.ts';
import { problemResponse } from '../problems.ts';
import { requireNode } from '../require-node.ts';

export const retiredNodeSchema = z.object({ node: z.string(), position: z.string() });

const MAX_ALERTS = 1_000;

/** A node that is gone for good: health misses it no more, and its alerts are over. Should it report again, it is back. */
export function retireNode(app: ApiServer, api: Api): void {
  app.post(
    '/v1/nodes/:node/retire',
    {
      schema: {
        tags: ['operation'],
        summary: 'Say that a node is gone for good',
        params: z.object({ node: z.string() }),
        body: z.strictObject({ reason: z.string().max(1000).default('') }),
        response: { 200: retiredNodeSchema, default: problemResponse },
      },
    },
    async (request) => {
      api.requireWritable();
      const { catalog, clock, store } = api;
      const name = request.params.node;
      const report = requireNode(api, name);
      if (!isSilent(report, clock.now())) throw stillReporting(name, report.heardAt);
      const metadata = metadataOf(request, clock);
      // First: whoever repeats a request that was cut short must still find the node.
      for (const { code, subject } of openAlertsOf(catalog, name)) {
        const data = { code, subject, message: `The node ${name} was retired.` };
        const cleared = { type: 'AlertCleared', id: newEventId(), data, metadata } as const;
        await store.append(alertStream(code, subject), [cleared], 'any');
      }
      const { position } = await store.append(
        nodeStream(name),
        [
          {
            type: 'NodeRetired',
            id: newEventId(),
            data: { node: name, reason: request.body.reason },
            metadata,
          },
        ],
        'any',
      );
      await catalog.reached(position);
      return { node: name, position };
    },
  );
}

/** Nobody but the node itself would end them. */
const openAlertsOf = (catalog: Catalog, node: string): CatalogAlert[] =>
  catalog
    .alerts({ isOpen: true, before: null, limit: MAX_ALERTS })
    .filter(({ subject }) => subject === node || subject.startsWith(`${node}/`));

const stillReporting = (node: string, heardAt: string): HoldfastError =>
  new HoldfastError(
    'NODE_REPORTING',
    `The node ${node} cannot be retired, as it was heard of at ${heardAt}: stop it first, and wait until it has missed three reports.`,
    { context: { node, heardAt } },
  );
