import { type Clock, restoreParametersSchema } from '@holdfast/domain';
import { Quarantine } from '@holdfast/storage';
import { readParameters, type RunJob } from '../jobs/job.ts';
import type { LocalProjector } from '../local/local-projector.ts';

/**
 * FR-027: moves something back out of quarantine, to where it was. Counts `restored`.
 * @throws QUARANTINE_ENTRY_NOT_FOUND, QUARANTINE_PLACE_TAKEN, LOCAL_FILE_NOT_READY, DISK_FULL, STORAGE_UNAVAILABLE
 */
export const restoreFromQuarantine =
  (ports: { local: Pick<LocalProjector, 'exclusively'>; clock: Clock; dataDir: string }): RunJob =>
  async (run) => {
    const { id } = readParameters(run, restoreParametersSchema);
    const quarantine = new Quarantine(ports.dataDir);
    const about = { job: run.job.id, at: ports.clock.now() };
    await ports.local.exclusively((root) => quarantine.restore(root, id, about));
    return { restored: 1 };
  };
