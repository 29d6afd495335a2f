import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '@holdfast/domain';
import type { JobAnswer } from '@holdfast/api/types';
import type { Context } from './command.ts';
import { EXIT, type ExitCode } from './exit-code.ts';

const POLL_MS = 250;
/** The server may be on its way back: its supervisor starts it again. */
const PATIENCE_MS = 30_000;

/**
 * Shows the progress of a job until it is finished. Ctrl-C ends the watching, not the job.
 * @throws SERVER_UNREACHABLE when the server stays away
 */
export async function watchJob({ client, output, signal }: Context, id: string): Promise<JobAnswer> {
  const progress = output.progress();
  let unreachableSince: number | null = null;
  try {
    for (;;) {
      try {
        const job = await client.get<JobAnswer>(`/v1/jobs/${encodeURIComponent(id)}`);
        unreachableSince = null;
        if (job.state === 'succeeded' || job.state === 'failed') return job;
        progress.update(
          job.progress?.phase ?? 'waiting for the projector',
          job.progress?.done ?? 0,
          job.progress?.total ?? null,
        );
      } catch (error) {
        unreachableSince ??= performance.now();
        if (!hasCode(error, 'SERVER_UNREACHABLE') || performance.now() - unreachableSince > PATIENCE_MS)
          throw error;
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  } finally {
    progress.end();
  }
}

/** Waits for a job if asked to, and says what became of it. */
export async function finishJob(
  context: Context,
  requested: JobAnswer,
  options: { wait: boolean },
): Promise<ExitCode> {
  const { output } = context;
  if (!options.wait) {
    output.json(requested);
    output.line(`Job ${requested.id} was accepted; it goes on in the background.`);
    return EXIT.done;
  }
  output.note(`Job ${requested.id} runs on the server; stopping this command does not stop it.`);
  const job = await watchJob(context, requested.id);
  output.json(job);
  if (job.error !== null) {
    output.note(`${job.error.code}: ${job.error.message}`);
    return EXIT.foundSomething;
  }
  const counts = Object.entries(job.counts).map(([name, count]) => `${name} ${count}`);
  output.line(`Done${counts.length === 0 ? '' : `: ${counts.join(', ')}`}.`);
  return EXIT.done;
}
