import type { Catalog } from '@holdfast/catalog';
import { type Clock, type EventStore, previousPath, restoreParametersSchema } from '@holdfast/domain';
import { documentOf, Quarantine } from '@holdfast/storage';
import { readParameters, type RunJob } from '../jobs/job.ts';
import type { LocalProjector } from '../local/local-projector.ts';

export interface RestorePorts {
  readonly local: Pick<LocalProjector, 'exclusively'>;
  readonly store: Pick<EventStore, 'head'>;
  readonly catalog: Pick<Catalog, 'document' | 'documents' | 'reached'>;
  readonly clock: Clock;
  readonly dataDir: string;
}

/** Nothing is written to the local files meanwhile. */
const CATALOG_PATIENCE_MS = 10_000;

/**
 * FR-027: moves something back out of quarantine, to where it was. Counts `restored`.
 * @throws QUARANTINE_ENTRY_NOT_FOUND, QUARANTINE_PLACE_TAKEN, LOCAL_FILE_NOT_READY, EVENT_STORE_UNAVAILABLE,
 *         CATALOG_LAGGING, DISK_FULL, STORAGE_UNAVAILABLE
 */
export const restoreFromQuarantine =
  ({ local, store, catalog, clock, dataDir }: RestorePorts): RunJob =>
  async (run) => {
    const { id } = readParameters(run, restoreParametersSchema);
    const quarantine = new Quarantine(dataDir);
    await local.exclusively(async (root) => {
      const { signal } = run;
      await catalog.reached(await store.head(), { timeoutMs: CATALOG_PATIENCE_MS, signal });
      const isTaken = (path: string): boolean => isWanted(path, catalog);
      quarantine.restore(root, id, { job: run.job.id, at: clock.now(), isTaken });
    });
    return { restored: 1 };
  };

/** Whether the log wants something at a path or below it: a repair would write over what is moved there. */
function isWanted(path: string, catalog: RestorePorts['catalog']): boolean {
  const prefix = path.endsWith('/') ? path : `${path}/`;
  if (catalog.documents({ prefix, after: null, limit: 1, status: 'published' }).length > 0) return true;
  const base = documentOf(path);
  const isOwn = base !== null && (path === base || path === previousPath(base));
  return isOwn && catalog.document(base)?.status === 'published';
}
