import type { JobAnswer, QuarantineAnswer } from '@holdfast/api/types';
import type { AddCommand } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { finishJob } from '../watch-job.ts';

/** FR-027: what a repair moved away can be looked at, and moved back. */
export const addQuarantine: AddCommand = (program, attach) => {
  const quarantine = program
    .command('quarantine')
    .description('what repairs moved away from the local files')
    .enablePositionalOptions();
  attach(quarantine.command('list').description('show it, the latest first'), async ({ client, output }) => {
    const answer = await client.get<QuarantineAnswer>('/v1/quarantine');
    output.json(answer);
    if (answer.entries.length === 0) output.line('The quarantine is empty.');
    output.table(
      ['Id', 'Path', 'Bytes', 'Moved'],
      answer.entries.map(({ id, path, bytes, movedAt }) => [id, path, bytes, movedAt]),
    );
    return EXIT.done;
  });
  const restore = quarantine
    .command('restore')
    .description('move something back to where it was')
    .argument('<id>', 'as "holdfast quarantine list" shows it');
  attach(restore, async (context, [id]) => {
    const job = await context.client.send<JobAnswer>('POST', '/v1/quarantine/restore', { id });
    return finishJob(context, job, { wait: true });
  });
};
