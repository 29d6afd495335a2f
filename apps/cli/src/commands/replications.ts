import { InvalidArgumentError, Option } from 'commander';
import type { JobAnswer, Replication, ReplicationList, RetryAnswer } from '@holdfast/api/types';
import type { AddCommand, Context } from '../command.ts';
import { usageInvalid } from '../content-path.ts';
import { EXIT } from '../exit-code.ts';
import { finishJob } from '../watch-job.ts';
import { showCounts, showHistory, showReplications } from './show-replications.ts';

type Status = Replication['status'];
const STATUSES: readonly Status[] = ['queued', 'failed', 'success', 'dead-letter', 'superseded'];
/** What the server gives at a time. */
const MAX_PAGE = 1_000;

interface Filters {
  readonly path?: string;
  readonly prefix?: string;
  readonly status?: readonly Status[];
  readonly since?: string;
  readonly limit: number;
}

interface ListOptions extends Filters {
  readonly failed?: true;
}

interface Listed {
  readonly rows: readonly Replication[];
  /** Of the whole log, by status. */
  readonly counts: ReplicationList['counts'];
  readonly isAll: boolean;
}

export const addReplications: AddCommand = (program, attach) => {
  const replications = program
    .command('replications')
    .description('show what was replicated to the bucket, newest first; exit code 1: there are dead letters')
    .enablePositionalOptions()
    .addOption(new Option('--failed', 'only what failed, dead letters first').conflicts('status'))
    .addOption(new Option('--path <path>', 'everything known of one document’s versions').conflicts('prefix'))
    .option('--prefix <prefix>', 'whose paths begin so, such as plans/p1/')
    .option('--status <statuses>', `only these, with commas between: ${STATUSES.join(', ')}`, readStatuses)
    .option('--since <instant>', 'published or deleted at or after, such as 2026-01-31T12:00:00Z')
    .option('--limit <count>', 'at most so many', readLimit, 100);
  attach<ListOptions>(replications, async (context, _operands, options) => {
    const listed = await list(context, options);
    const { rows, counts, isAll } = listed;
    context.output.json({ replications: rows, counts, complete: isAll });
    show(context, listed, options);
    return hasDeadLetters(listed, options) ? EXIT.foundSomething : EXIT.done;
  });

  const retry = replications
    .command('retry')
    .description('give dead letters another round of attempts')
    .argument('[path]', 'of the document')
    .option('--all', 'every dead letter there is')
    .addOption(new Option('--again', 'also where the replication succeeded').conflicts('all'))
    .option('--no-wait', 'with --all: do not wait until all are queued again');
  attach<{ all?: true; again?: true; wait: boolean }>(
    retry,
    async (context, [path], { all, again, wait }) => {
      if ((path === undefined) === (all === undefined)) {
        throw usageInvalid(
          'Say which: "holdfast replications retry <path>" or "holdfast replications retry --all".',
        );
      }
      const body = path === undefined ? { all: true } : { path, again };
      const answer = await context.client.send<RetryAnswer | JobAnswer>(
        'POST',
        '/v1/replications/retry',
        body,
      );
      if ('kind' in answer) return finishJob(context, answer, { wait });
      context.output.json(answer);
      context.output.line(`Version ${answer.version} of ${answer.path} is queued again.`);
      return EXIT.done;
    },
  );
};

/** Among what was asked for, also where it is further down than `--limit` reaches. */
function hasDeadLetters({ rows, counts }: Listed, { path, prefix, since, status }: ListOptions): boolean {
  if (rows.some((row) => row.status === 'dead-letter')) return true;
  const isEverything = [path, prefix, since, status].every((filter) => filter === undefined);
  return isEverything && counts['dead-letter'] > 0;
}

/** Newest first; what failed: dead letters before what waits for its next attempt. */
async function list(context: Context, { failed, ...filters }: ListOptions): Promise<Listed> {
  if (failed === undefined) return readRows(context, filters);
  const dead = await readRows(context, { ...filters, status: ['dead-letter'] });
  // Asked for once more with the others: one that was given up meanwhile would stand in neither list.
  const both = await readRows(context, { ...filters, status: ['dead-letter', 'failed'] });
  const known = new Set(dead.rows.map(keyOf));
  const others = both.rows.filter((row) => !known.has(keyOf(row)));
  const rows = [...dead.rows, ...others.sort(byDeadLettersFirst)].slice(0, filters.limit);
  const isAll = both.isAll && rows.length === known.size + others.length;
  return { rows, counts: both.counts, isAll };
}

const keyOf = ({ path, version }: Replication): string => `${version} ${path}`;
const byDeadLettersFirst = (left: Replication, right: Replication): number =>
  Number(right.status === 'dead-letter') - Number(left.status === 'dead-letter');

async function readRows(
  { client }: Context,
  { path, prefix, status, since, limit }: Filters,
): Promise<Listed> {
  const rows: Replication[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page: ReplicationList = await client.get<ReplicationList>('/v1/replications', {
      path,
      prefix,
      status: status?.join(','),
      since,
      cursor,
      limit: Math.min(limit - rows.length, MAX_PAGE),
    });
    rows.push(...page.replications);
    cursor = page.next ?? undefined;
    const isAll = cursor === undefined;
    if (isAll || rows.length >= limit) return { rows, counts: page.counts, isAll };
  }
}

function show({ output }: Context, { rows, counts, isAll }: Listed, { path }: ListOptions): void {
  if (rows.length === 0) output.line('None.');
  else if (path !== undefined) showHistory(output, rows);
  else showReplications(output, rows);
  showCounts(output, counts);
  if (!isAll) {
    output.note('There are more: raise --limit, or narrow with --path, --prefix, --status or --since.');
  }
}

function readStatuses(text: string): Status[] {
  const statuses = text.split(',');
  const isKnown = (status: string): status is Status => (STATUSES as readonly string[]).includes(status);
  if (statuses.every(isKnown)) return statuses;
  throw new InvalidArgumentError(`Allowed are ${STATUSES.join(', ')}; several with commas between them.`);
}

export function readLimit(text: string): number {
  const limit = Number(text);
  if (/^\d{1,7}$/.test(text) && limit >= 1) return limit;
  throw new InvalidArgumentError('It is not a whole number from 1 to 9999999.');
}
