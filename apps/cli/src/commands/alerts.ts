import type { Alert, AlertList } from '@holdfast/api/types';
import type { AddCommand, Context } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { readLimit } from './replications.ts';

interface AlertsOptions {
  readonly all?: true;
  readonly limit: number;
}

/** What the server gives at a time. */
const MAX_PAGE = 1_000;

export const addAlerts: AddCommand = (program, attach) => {
  const command = program
    .command('alerts')
    .description('show what holds that people are told of; exit code 1: something does')
    .option('--all', 'past ones too')
    .option('--limit <count>', 'at most so many', readLimit, 100);
  attach<AlertsOptions>(command, async (context, _operands, { all, limit }) => {
    const { alerts, open, isAll } = await readAlerts(context, all === true ? 'all' : 'open', limit);
    const { output } = context;
    output.json({ alerts, open, complete: isAll });
    if (alerts.length === 0) output.line('None.');
    output.table(
      ['Alert', 'Of', 'Severity', 'State', 'Since', 'Until'],
      alerts.map(({ code, subject, severity, state, raisedAt, clearedAt }) => [
        code,
        subject,
        severity,
        state,
        raisedAt,
        clearedAt,
      ]),
      alerts.map(({ message, clearedBecause }) => clearedBecause ?? message),
    );
    if (!isAll) output.note('There are more: raise --limit.');
    return open === 0 ? EXIT.done : EXIT.foundSomething;
  });
};

async function readAlerts(
  { client }: Context,
  state: 'open' | 'all',
  limit: number,
): Promise<{ alerts: readonly Alert[]; open: number; isAll: boolean }> {
  const alerts: Alert[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page: AlertList = await client.get<AlertList>('/v1/alerts', {
      state,
      cursor,
      limit: Math.min(limit - alerts.length, MAX_PAGE),
    });
    alerts.push(...page.alerts);
    cursor = page.next ?? undefined;
    const isAll = cursor === undefined && alerts.length <= limit;
    if (cursor === undefined || alerts.length >= limit) {
      return { alerts: alerts.slice(0, limit), open: page.open, isAll };
    }
  }
}
