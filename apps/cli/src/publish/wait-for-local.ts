import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthAnswer } from '@holdfast/api/types';
import { isPositionAtOrAfter } from '@holdfast/domain';
import type { Context } from '../command.ts';

const POLL_MS = 100;

/** Waits until the local projector of the server's node has finished everything up to the position. */
export async function waitForLocal({ client, output, signal }: Context, position: string): Promise<void> {
  const progress = output.progress();
  try {
    for (;;) {
      const { local } = await client.get<HealthAnswer>('/v1/health');
      if (isPositionAtOrAfter(local.checkpoint, position)) return;
      if (local.lag !== null) {
        progress.update('events until the files are written', local.lag.events, null);
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  } finally {
    progress.end();
  }
}
