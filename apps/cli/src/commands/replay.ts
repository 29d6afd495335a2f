import { resolve } from 'node:path';
import type { JobAnswer } from '@holdfast/api/types';
import type { AddCommand } from '../command.ts';
import { usageInvalid } from '../content-path.ts';
import { finishJob } from '../watch-job.ts';

interface ReplayOptions {
  readonly until?: string;
  readonly prefix?: string;
  readonly out?: string;
  readonly wait: boolean;
}

export const addReplay: AddCommand = (program, attach) => {
  const command = program
    .command('replay')
    .description('build the content again from the log')
    .option('--until <position|instant>', 'as it was then (needs --out), such as 2026-01-31T12:00:00Z')
    .option('--prefix <path>', 'only paths that begin so (needs --out)')
    .option(
      '--out <directory>',
      'write there, on the machine of the server, instead of a new live generation',
    )
    .option('--no-wait', 'do not wait until it is done');
  attach<ReplayOptions>(command, async (context, _operands, { until, prefix, out, wait }) => {
    if (out === undefined && (until !== undefined || prefix !== undefined)) {
      throw usageInvalid(
        'A replay of a part, or of an earlier moment, does not become the live content: say where to with --out <directory>.',
      );
    }
    const request = {
      ...(until === undefined ? {} : { until: readUntil(until) }),
      ...(prefix === undefined ? {} : { prefix }),
      ...(out === undefined ? {} : { out: resolve(out) }),
    };
    const job = await context.client.send<JobAnswer>('POST', '/v1/replays', request);
    return finishJob(context, job, { wait });
  });
};

function readUntil(text: string): { position: string } | { instant: string } {
  if (/^\d+$/.test(text)) return { position: text };
  const instant = new Date(text);
  // Without an offset an instant means another moment on another machine.
  if (!Number.isNaN(instant.getTime()) && /T.*(Z|[+-]\d\d:?\d\d)$/.test(text))
    return { instant: instant.toISOString() };
  throw usageInvalid(
    `--until ${JSON.stringify(text)} is neither a position nor an instant with its offset, such as 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00.`,
  );
}
