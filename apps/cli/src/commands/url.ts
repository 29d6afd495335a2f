import { ERROR_KINDS, type ErrorCode } from '@holdfast/domain';
import type { UrlsAnswer } from '@holdfast/api/types';
import type { AddCommand } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';

export const addUrl: AddCommand = (program, attach) => {
  const command = program
    .command('url')
    .description('print where readers find documents now')
    .argument('<path...>', 'of the documents');
  attach(command, async ({ client, output }, paths) => {
    const answer = await client.send<UrlsAnswer>('POST', '/v1/urls', { paths });
    output.json(answer);
    let exitCode: ExitCode = EXIT.done;
    for (const resolved of answer.urls) {
      if ('url' in resolved) {
        output.line(resolved.url);
        continue;
      }
      output.note(`${resolved.code}: ${resolved.detail}`);
      const isWrongUse = ERROR_KINDS[resolved.code as ErrorCode] === 'invalid';
      exitCode = isWrongUse ? EXIT.wrongUse : exitCode === EXIT.done ? EXIT.foundSomething : exitCode;
    }
    return exitCode;
  });
};
