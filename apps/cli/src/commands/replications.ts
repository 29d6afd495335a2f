import { InvalidArgumentError, Option } from 'commander';
import type { JobAnswer, ReplicationList, Replication, RetryAnswer } from '@holdfast/api/types';
import type { AddCommand, Context } from '../command.ts';
import { usageInvalid } from '../content-path.ts';
import { EXIT } from '../exit-code.ts';
import { finishJob } from '../watch-job.ts';

const STATUSES = ['queued', 'failed', 'success', 'dead-letter', 'superseded'];

interface ListOptions {
  readonly failed?: true;
  readonly path?: string;
  readonly status?: string;
  readonly since?: string;
  readonly limit: number;
}

export const addReplications: AddCommand = (program, attach) => {
  const replications = program
    .command('replications')
    .description('show what was replicated to the bucket, newest first')
    .enablePositionalOptions()
    .addOption(new Option('--failed', 'only what failed, dead letters first').conflicts('status'))
    .option('--path <path>', 'of one document')
    .addOption(new Option('--status <status>', 'only these').choices(STATUSES))
    .option('--since <instant>', 'published or deleted at or after')
    .option('--limit <count>', 'at most so many', readLimit, 100);
  attach<ListOptions>(replications, async (context, _operands, options) => {
    const { rows, isAll } = await list(context, options);
    context.output.json({ replications: rows, complete: isAll });
    show(context, rows, isAll);
    return rows.some(({ status }) => status === 'dead-letter') ? EXIT.foundSomething : EXIT.done;
  });

  const retry = replications
    .command('retry')
    .description('give dead letters another round of attempts')
    .argument('[path]', 'of the document')
    .option('--all', 'every dead letter there is')
    .option('--no-wait', 'with --all: do not wait until all are queued again');
  attach<{ all?: true; wait: boolean }>(retry, async (context, [path], { all, wait }) => {
    if ((path === undefined) === (all === undefined)) {
      throw usageInvalid(
        'Say which: "holdfast replications retry <path>" or "holdfast replications retry --all".',
      );
    }
    const body = path === undefined ? { all: true } : { path };
    const answer = await context.client.send<RetryAnswer | JobAnswer>('POST', '/v1/replications/retry', body);
    if ('kind' in answer) return finishJob(context, answer, { wait });
    context.output.json(answer);
    context.output.line(`Version ${answer.version} of ${answer.path} is queued again.`);
    return EXIT.done;
  });
};

async function list(
  { client }: Context,
  options: ListOptions,
): Promise<{ rows: Replication[]; isAll: boolean }> {
  const { failed, path, status, since, limit } = options;
  const rows: Replication[] = [];
  let isAll = true;
  for (const wanted of failed === true ? ['dead-letter', 'failed'] : [status]) {
    let cursor: string | undefined;
    do {
      const question = { path, status: wanted, since, cursor, limit: Math.min(limit - rows.length, 1000) };
      const page = await client.get<ReplicationList>('/v1/replications', question);
      rows.push(...page.replications);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined && rows.length < limit);
    isAll = cursor === undefined;
    if (!isAll) break;
  }
  return { rows, isAll };
}

function show({ output }: Context, rows: readonly Replication[], isAll: boolean): void {
  if (rows.length === 0) return output.line('None.');
  output.table(
    ['Status', 'Path', 'Version', 'Action', 'Attempts', 'Queued', 'Next retry', 'Error'],
    rows.map(({ status, path, version, action, attempts, queuedAt, nextRetryAt, error }) => [
      status,
      path,
      version,
      action,
      attempts,
      queuedAt,
      nextRetryAt,
      error === null ? null : `${error.code}: ${error.message}`,
    ]),
  );
  if (!isAll) output.note('There are more: raise --limit, or narrow with --path, --status or --since.');
}

export function readLimit(text: string): number {
  const limit = Number(text);
  if (/^\d{1,7}$/.test(text) && limit >= 1) return limit;
  throw new InvalidArgumentError('It is not a whole number from 1 to 9999999.');
}
