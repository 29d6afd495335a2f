import type { DeleteAnswer, JobAnswer } from '@holdfast/api/types';
import type { AddCommand } from '../command.ts';
import { encodePath } from '../content-path.ts';
import { EXIT } from '../exit-code.ts';
import { finishJob } from '../watch-job.ts';

export const addDelete: AddCommand = (program, attach) => {
  const command = program
    .command('delete')
    .description('delete a document, or with a trailing "/" everything below a directory')
    .argument('<path>', 'of the document, or of the directory with its "/"')
    .option('--reason <text>', 'why; it is kept with the deletion')
    .option('--no-wait', 'do not wait until a directory is deleted');
  attach<{ reason?: string; wait: boolean }>(command, async (context, [path = ''], { reason, wait }) => {
    const { client, output } = context;
    const answer = await client.send<DeleteAnswer | JobAnswer>(
      'DELETE',
      `/v1/content/${encodePath(path)}`,
      undefined,
      { reason },
    );
    if ('kind' in answer) return finishJob(context, answer, { wait });
    output.json(answer);
    output.line(
      answer.unchanged
        ? `${answer.path} was deleted already.`
        : `Deleted ${answer.path} (version ${answer.version}).`,
    );
    return EXIT.done;
  });
};
