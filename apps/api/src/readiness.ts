import type { CatalogNode } from '@holdfast/catalog';
import { toHoldfastError } from '@holdfast/domain';
import { findMismatch } from '@holdfast/storage';
import { z } from 'zod';
import type { Api } from './api.ts';

/** A projector that has missed this many reports in a row is not well. */
const REPORTS_MISSED = 3;

export const reasonSchema = z.object({ code: z.string(), detail: z.string() });
export type Reason = z.infer<typeof reasonSchema>;

/** Why this node should get no traffic now; none: it is ready. */
export async function findReasons(api: Api): Promise<Reason[]> {
  const reasons: Reason[] = [];
  const note = (error: unknown): void => {
    const { code, message } = toHoldfastError(error);
    reasons.push({ code, detail: message });
  };
  try {
    const { mismatch, reader, settings, store } = api;
    const found = mismatch ?? (await findMismatch({ dataDir: settings.dataDir, store, reader }));
    if (found !== null) note(found);
  } catch (error) {
    note(error);
  }
  if (api.modeWatch.isStale) {
    reasons.push({
      code: 'MODE_STALE',
      detail: 'The log has not been heard from for 2 s; the last known mode is kept.',
    });
  }
  try {
    api.requireCatalog();
  } catch (error) {
    note(error);
  }
  reasons.push(...findProjectorReasons(api));
  return reasons;
}

/** What somebody should look at though this node serves as it should; none: nothing. */
export function findWarnings({ catalog, settings }: Api): Reason[] {
  const deadLetters = catalog.replicationCounts()['dead-letter'];
  const node = catalog.nodes().find((candidate) => candidate.node === settings.node);
  const waiting = node?.projectors.filter(({ state }) => state === 'waiting') ?? [];
  return [
    ...waiting.map(({ name, reason }) => ({
      code: 'PROJECTOR_WAITING',
      detail: `The ${name} projector waits: ${reason ?? 'it gave no reason'}`,
    })),
    ...(deadLetters === 0
      ? []
      : [
          {
            code: 'DEAD_LETTERS',
            detail: `${deadLetters} ${deadLetters === 1 ? 'document was' : 'documents were'} given up for the bucket. GET /v1/replications?status=dead-letter says why, POST /v1/replications/retry asks for another round.`,
          },
        ]),
  ];
}

function findProjectorReasons({ catalog, clock, settings }: Api): Reason[] {
  const node = catalog.nodes().find((candidate) => candidate.node === settings.node);
  if (node === undefined || isSilent(node, clock.now())) {
    const since = node === undefined ? 'has not reported yet' : `last reported at ${node.reportedAt}`;
    return [{ code: 'PROJECTOR_SILENT', detail: `The projector of node ${settings.node} ${since}.` }];
  }
  return node.projectors
    .filter(({ state }) => state === 'stopped')
    .map(({ name, reason }) => ({
      code: 'PROJECTOR_STOPPED',
      detail: `The ${name} projector has stopped: ${reason ?? 'it gave no reason'}`,
    }));
}

export const isSilent = ({ reportedAt, intervalSeconds }: CatalogNode, now: Date): boolean =>
  now.getTime() - Date.parse(reportedAt) > REPORTS_MISSED * intervalSeconds * 1000;
