import type { AuditEvent } from '@holdfast/api/types';
import { readLines } from '../api/read-lines.ts';
import type { AddCommand } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { readLimit } from './replications.ts';

interface AuditOptions {
  readonly path?: string;
  readonly type?: string;
  readonly actor?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

export const addAudit: AddCommand = (program, attach) => {
  const command = program
    .command('audit')
    .description('show who did what and when, newest first; with --json one event in a line')
    .option('--path <path>', 'about one document')
    .option('--type <event>', 'such as ContentPublished')
    .option('--actor <name>', 'who did it')
    .option('--from <instant>', 'at or after, such as 2026-01-31T12:00:00Z')
    .option('--to <instant>', 'at or before')
    .option('--limit <count>', 'at most so many', readLimit, 100);
  attach<AuditOptions>(
    command,
    async ({ client, output }, _operands, { limit, path, type, actor, from, to }) => {
      const { request, answered } = client.open({
        method: 'GET',
        path: '/v1/audit',
        query: { path, type, actor, from, to },
        headers: { accept: 'application/x-ndjson' },
      });
      request.end();
      const answer = await answered;
      let count = 0;
      try {
        for await (const line of readLines(answer)) {
          const event = JSON.parse(line) as AuditEvent;
          output.jsonLine(event);
          output.line(describe(event));
          await output.drained();
          count += 1;
          if (count === limit) break;
        }
      } catch (error) {
        throw client.unreachable(error);
      } finally {
        request.destroy();
      }
      if (count === 0) output.line('None.');
      return EXIT.done;
    },
  );
};

function describe({ at, actor, type, stream, version, data, error }: AuditEvent): string {
  const subject = typeof data?.path === 'string' ? data.path : stream;
  const columns = [
    at ?? '-',
    (actor ?? '-').padEnd(20),
    type.padEnd(24),
    `${subject} (${version})`,
    explain(data, error),
  ];
  return columns.join('  ').trimEnd();
}

/** The one thing about the event that a person looks for. */
function explain(data: AuditEvent['data'], error: AuditEvent['error']): string {
  if (error !== null) return `cannot be read: ${error.message}`;
  const { reason, sha256, error: failure } = data ?? {};
  if (isRecord(failure) && typeof failure.code === 'string') return failure.code;
  if (typeof reason === 'string') return reason;
  return typeof sha256 === 'string' ? `sha256 ${sha256.slice(0, 12)}` : '';
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
