import { Option } from 'commander';
import type { ChangedMode, ModeAnswer } from '@holdfast/api/types';
import type { AddCommand } from '../command.ts';
import { usageInvalid } from '../content-path.ts';
import { EXIT } from '../exit-code.ts';
import type { Output } from '../output/output.ts';

interface SetOptions {
  readonly cdn?: 'on' | 'off';
  readonly fallback?: 'on' | 'off';
  readonly pin?: true;
  readonly unpin?: true;
  readonly cdnBaseUrl?: string;
  readonly localBaseUrl?: string;
  readonly reason: string;
}

export const addMode: AddCommand = (program, attach) => {
  const mode = program
    .command('mode')
    .description('show where readers are sent, since when and why')
    .enablePositionalOptions();
  attach(mode, async ({ client, output }) => {
    const view = await client.get<ModeAnswer>('/v1/mode');
    output.json(view);
    showMode(output, view);
    return EXIT.done;
  });

  const set = mode
    .command('set')
    .description('change where readers are sent; what is not named stays')
    .addOption(
      new Option('--cdn <state>', 'whether the CDN is used and replicated to').choices(['on', 'off']),
    )
    .addOption(
      new Option('--fallback <state>', 'on: readers go to the local origin, replication goes on').choices([
        'on',
        'off',
      ]),
    )
    .addOption(new Option('--pin', 'automatic failover keeps its hands off').conflicts('unpin'))
    .option('--unpin', 'automatic failover may switch again')
    .option('--cdn-base-url <url>', 'URL of the CDN, or "none": each node\'s own setting')
    .option('--local-base-url <url>', 'URL of the local origin, or "none": each node\'s own setting')
    .requiredOption('--reason <text>', 'why, for those who ask later');
  attach<SetOptions>(set, async ({ client, output }, _operands, options) => {
    const changes = readChanges(options);
    if (Object.keys(changes).length === 0) {
      throw usageInvalid(
        'Nothing is to be changed: give at least one of --cdn, --fallback, --pin, --unpin, --cdn-base-url, --local-base-url.',
      );
    }
    const changed = await client.send<ChangedMode>('PUT', '/v1/mode', { ...changes, reason: options.reason });
    output.json(changed);
    output.line(changed.unchanged ? 'The mode was so already.' : 'The mode is changed.');
    showMode(output, changed);
    return EXIT.done;
  });
};

function readChanges({
  cdn,
  fallback,
  pin,
  unpin,
  cdnBaseUrl,
  localBaseUrl,
}: SetOptions): Record<string, boolean | string | null> {
  return {
    ...(cdn === undefined ? {} : { cdnEnabled: cdn === 'on' }),
    ...(fallback === undefined ? {} : { localFallback: fallback === 'on' }),
    ...(pin === true || unpin === true ? { pinned: pin === true } : {}),
    ...(cdnBaseUrl === undefined ? {} : { cdnBaseUrl: cdnBaseUrl === 'none' ? null : cdnBaseUrl }),
    ...(localBaseUrl === undefined ? {} : { localBaseUrl: localBaseUrl === 'none' ? null : localBaseUrl }),
  };
}

function showMode(output: Output, view: ModeAnswer): void {
  const { cdnEnabled, localFallback, pinned, cdnBaseUrl, localBaseUrl, fromLog, lastChange, stale } = view;
  const useCdn = cdnEnabled && !localFallback && cdnBaseUrl !== null;
  output.line(
    `Readers are sent to ${useCdn ? 'the CDN' : 'the local origin'}${stale ? ' (as far as is known: the log is silent)' : ''}.`,
  );
  output.table(
    ['Setting', 'Value', 'From'],
    [
      ['CDN', cdnEnabled ? 'on' : 'off: replication pauses', 'mode'],
      ['Fallback to local', localFallback ? 'on' : 'off', 'mode'],
      ['Pinned', pinned ? 'yes' : 'no', 'mode'],
      [
        'CDN base URL',
        cdnBaseUrl ?? 'none: readers are sent to the local origin',
        fromLog.cdnBaseUrl === null ? 'environment' : 'mode',
      ],
      ['Local base URL', localBaseUrl, fromLog.localBaseUrl === null ? 'environment' : 'mode'],
    ],
  );
  if (lastChange !== null) {
    output.line(
      `Changed ${lastChange.at} by ${lastChange.actor} (${lastChange.cause}): ${lastChange.reason}`,
    );
  }
}
