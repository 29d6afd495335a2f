import { InvalidArgumentError, Option } from 'commander';
import type { JobAnswer, ScanAnswer } from '@holdfast/api/types';
import { readLines } from '../api/read-lines.ts';
import { hasCode } from '@holdfast/domain';
import type { AddCommand, Context } from '../command.ts';
import { usageInvalid } from '../content-path.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { watchJob } from '../watch-job.ts';

interface VerifyOptions {
  readonly full?: true;
  readonly deep?: true;
  readonly repair?: true;
  readonly restore?: true;
  readonly confirm?: number;
}

type Finding = ScanAnswer['findings'][number];

const SHOWN = 50;

/** FR-015, FR-026, FR-027: compares, says what differs, and mends it where asked to. */
export const addVerify: AddCommand = (program, attach) => {
  const command = program
    .command('verify')
    .description('compare the log with the local files and the bucket: a random sample of 100 documents')
    .addOption(new Option('--full', 'everything'))
    .addOption(new Option('--deep', 'everything, and download the bucket’s bytes').conflicts('full'))
    .option('--repair', 'mend what differs; orphans go into quarantine, and from the bucket')
    .addOption(
      new Option('--restore', 'mend what is missing or different, and leave orphans').conflicts('repair'),
    )
    .option('--confirm <count>', 'with --repair: up to so many orphans may go on each side', readCount);
  attach<VerifyOptions>(command, async (context, _operands, options) => {
    const { full, deep, repair, restore, confirm } = options;
    if (confirm !== undefined && repair !== true) {
      throw usageInvalid('--confirm says how many orphans may go, so it wants --repair.');
    }
    const kind = deep === true ? 'deep' : full === true ? 'full' : 'quick';
    const wanted = repair === true ? 'all' : restore === true ? 'restore' : 'none';
    const request = { kind, repair: wanted, ...(confirm === undefined ? {} : { confirm }) };
    const requested = await context.client.send<JobAnswer>('POST', '/v1/drift/scans', request);
    const job = await watchJob(context, requested.id);
    const scan = await readScan(context, job);
    const failed = job.error === null ? null : `${job.error.code}: ${job.error.message}`;
    if (scan?.state !== 'completed') {
      // Nobody may take a scan that did not come to its end for "nothing differs".
      context.output.json(job);
      context.output.note(`The scan did not come to its end. ${failed ?? ''}`);
      return EXIT.foundSomething;
    }
    const code = report(context, job, scan, await readFindings(context, scan));
    if (failed === null) return code;
    context.output.note(`The repair failed. ${failed}`);
    return EXIT.foundSomething;
  });
};

/** Null where it failed before it began. */
async function readScan({ client }: Context, { id, error }: JobAnswer): Promise<ScanAnswer | null> {
  try {
    return await client.get<ScanAnswer>(`/v1/drift/scans/${encodeURIComponent(id)}`);
  } catch (failure) {
    if (error !== null && hasCode(failure, 'SCAN_NOT_FOUND')) return null;
    throw failure;
  }
}

/** All of them where the server still has them, else the first hundred. */
async function readFindings({ client }: Context, scan: ScanAnswer): Promise<readonly Finding[]> {
  if (scan.findings.length === (scan.findingCount ?? 0)) return scan.findings;
  const { request, answered } = client.open({
    method: 'GET',
    path: `/v1/drift/scans/${encodeURIComponent(scan.id)}`,
    headers: { accept: 'application/x-ndjson' },
  });
  request.end();
  const findings: Finding[] = [];
  try {
    for await (const line of readLines(await answered)) findings.push(JSON.parse(line) as Finding);
  } catch (error) {
    if (hasCode(error, 'SCAN_NOT_FOUND')) return scan.findings;
    throw error;
  }
  return findings;
}

function report(
  { output }: Context,
  job: JobAnswer,
  scan: ScanAnswer,
  findings: readonly Finding[],
): ExitCode {
  const { counts, roots, unsettled, kind, sides } = scan;
  // What a repair had done before it failed is not counted.
  const repaired = scan.repair === 'none' || job.error !== null ? null : job.counts;
  const { error } = job;
  output.json({ scanId: scan.id, kind, sides, counts, findings, roots, unsettled, repaired, error });
  output.table(
    ['Side', 'Outcome', 'What', 'Path', 'Expected', 'Found'],
    findings
      .slice(0, SHOWN)
      .map(({ side, outcome, subject, path, expected, found }) => [
        side,
        outcome,
        subject,
        path,
        shortened(expected),
        shortened(found),
      ]),
  );
  if (findings.length > SHOWN) output.line(`… and ${findings.length - SHOWN} more; --json prints all.`);
  for (const side of ['local', 'cdn'] as const) output.line(tell(side, scan));
  if (repaired !== null) tellRepairs(output, repaired);
  const left = leftOf(scan, job);
  return left ? EXIT.foundSomething : EXIT.done;
}

/** What a repair has mended is found all the same: a script that repairs wants to know whether something is left. */
function leftOf({ isClean, repair }: ScanAnswer, { counts }: JobAnswer): boolean {
  if (isClean === true) return false;
  if (repair === 'none') return true;
  const { drift = 0, restored = 0, replicated = 0, quarantined = 0, deleted = 0 } = counts;
  return restored + replicated + quarantined + deleted < drift;
}

function tell(side: 'local' | 'cdn', { counts, sides }: ScanAnswer): string {
  if (side === 'cdn' && sides === 'local') return 'cdn: not compared, another node does that';
  const parts = Object.entries(counts?.[side] ?? {}).filter(([name, count]) => name === 'same' || count > 0);
  return `${side}: ${parts.map(([name, count]) => `${name} ${count}`).join(', ')}`;
}

function tellRepairs(output: Context['output'], counts: JobAnswer['counts']): void {
  const names = ['restored', 'replicated', 'quarantined', 'deleted', 'notRepaired'] as const;
  output.line(`Repaired: ${names.map((name) => `${name} ${counts[name] ?? 0}`).join(', ')}`);
  const { orphansLeft = 0 } = counts;
  if (orphansLeft === 0) return;
  output.note(
    `${orphansLeft} orphans were left alone: they are more than HOLDFAST_MAX_REPAIRS allows. Look at them; if they are to go, add --confirm ${orphansLeft}.`,
  );
}

const shortened = (text: string | null): string | null =>
  text !== null && /^[0-9a-f]{64}$/.test(text) ? `${text.slice(0, 12)}…` : text;

function readCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is not a whole number.');
}
