import { HoldfastError, replayParametersSchema } from '@holdfast/domain';
import type { LocalProjector } from '../local/local-projector.ts';
import { readParameters, type RunJob } from './job.ts';

/** ES-003: builds the local tree again, which only the local projector does. */
export const replay =
  (local: Pick<LocalProjector, 'replay'> | null): RunJob =>
  async (run) => {
    if (local === null) {
      throw new HoldfastError(
        'REQUEST_INVALID',
        `The replay ${run.job.id} cannot run on ${run.job.node}: no local projector runs there (HOLDFAST_PROJECTORS).`,
      );
    }
    const { onProgress, signal } = run;
    return local.replay(readParameters(run, replayParametersSchema), { onProgress, signal });
  };
