import { Option } from 'commander';
import type { AddCommand } from '../command.ts';
import { readPrefix, usageInvalid } from '../content-path.ts';
import { EXIT } from '../exit-code.ts';
import type { Output } from '../output/output.ts';
import type { Publication } from '../publish/publication.ts';
import { publishSource } from '../publish/publish-source.ts';
import { openSource } from '../publish/source.ts';
import { waitForLocal } from '../publish/wait-for-local.ts';

interface Options {
  readonly into?: string;
  readonly prune?: true;
  readonly dryRun?: true;
  readonly ordered?: true;
  readonly wait?: 'local';
}

const NAMES_SHOWN = 10;

export const addPublish: AddCommand = (program, attach) => {
  const command = program
    .command('publish')
    .description('publish the .json files of a directory, or one file: only what changed is sent')
    .argument('<source>', 'directory or file')
    .option('--into <directory>', 'put it below this directory')
    .option('--prune', 'delete what is published there and not in the directory')
    .option('--dry-run', 'name every change and make none')
    .option('--ordered', 'publish what others point to first, and delete at the end')
    .addOption(
      new Option('--wait <where>', 'return when the files are on the disk of the server').choices(['local']),
    );
  attach<Options>(command, async (context, [given = ''], options) => {
    const { output } = context;
    const into = readPrefix(options.into ?? '');
    const source = openSource(given, into);
    const isPruning = options.prune === true;
    const isDryRun = options.dryRun === true;
    if (isPruning && !source.isDirectory)
      throw usageInvalid('--prune is for directories: one file says nothing of the others.');

    const startedAt = performance.now();
    const changes: { action: string; path: string }[] = [];
    const { publication, position } = await publishSource(context, source, {
      into,
      isPruning,
      isDryRun,
      isOrdered: options.ordered === true,
      ...(isDryRun ? { onChange: (action, path) => changes.push({ action, path }) } : {}),
    });
    if (options.wait === 'local' && position !== null) await waitForLocal(context, position);
    const seconds = Math.round(performance.now() - startedAt) / 1000;

    output.json({ dryRun: isDryRun, ...publication, position, seconds, ...(isDryRun ? { changes } : {}) });
    output.table(
      ['Would be', 'Path'],
      changes.map(({ action, path }) => [action, path]),
    );
    showSummary(output, publication, isDryRun, seconds);
    return publication.failed > 0 ? EXIT.foundSomething : EXIT.done;
  });
};

function showSummary(output: Output, publication: Publication, isDryRun: boolean, seconds: number): void {
  const { published, unchanged, deleted, failed, skipped, failures, skippedPaths, warned, warnings } =
    publication;
  output.line(
    `${isDryRun ? 'Would be published' : 'Published'} ${published}, unchanged ${unchanged}, deleted ${deleted}, failed ${failed}, skipped ${skipped} (${seconds} s).`,
  );
  showFirst(
    output,
    'Failed',
    failed,
    failures.map(({ path, code, detail }) => `${path}  ${code}: ${detail}`),
  );
  showFirst(
    output,
    'Published with warnings',
    warned,
    warnings.map(({ path, warnings: texts }) => `${path}  ${texts.join(' ')}`),
  );
  showFirst(
    output,
    'Skipped',
    skipped,
    skippedPaths.map(({ path, reason }) => `${path}  (${reason})`),
  );
}

function showFirst(output: Output, heading: string, count: number, lines: readonly string[]): void {
  if (count === 0) return;
  output.line(`${heading}:`);
  for (const line of lines.slice(0, NAMES_SHOWN)) output.line(`  ${line}`);
  if (count > NAMES_SHOWN) output.line(`  and ${count - NAMES_SHOWN} more`);
}
