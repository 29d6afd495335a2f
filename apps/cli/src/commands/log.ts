import { join } from 'node:path';
import type { CopyProgress } from '@holdfast/event-store';
import { type EventStoreAddress, eventStoreAddress } from '@holdfast/settings';
import type { AddCommand, Context } from '../command.ts';
import { usageInvalid } from '../content-path.ts';
import { EXIT } from '../exit-code.ts';

const PHASES: Record<CopyProgress['phase'], string> = {
  comparing: 'compared before copying',
  copying: 'copied',
  verifying: 'verified',
};

export const addLog: AddCommand = (program, attach) => {
  const log = program.command('log').description('work on the event log itself, without the server');
  const copy = log
    .command('copy')
    .description('copy the log of one machine to an EventStoreDB, and compare both event by event')
    .option('--from <log>', 'sqlite:, the log in HOLDFAST_DATA_DIR, or sqlite:<file>', 'sqlite:')
    .option(
      '--to <log>',
      'esdb://…; left out, it is HOLDFAST_EVENT_STORE, which shows no password to others',
    );
  attach<{ from: string; to?: string }>(copy, async (context, _, options) => {
    const { output, signal } = context;
    const { file, url } = placesOf(context, options);
    // The client of EventStoreDB takes as long to load as the rest together; no other command needs it.
    const { copyLog } = await import('@holdfast/event-store');
    const progress = output.progress();
    try {
      const report = await copyLog({
        from: { file },
        to: { url, streamPrefix: context.product.eventStorePrefix },
        onProgress: ({ phase, done, total }) => {
          progress.update(PHASES[phase], done, total);
        },
        signal,
      });
      progress.end();
      const { logId, events, copied, isComplete } = report;
      output.json({ logId, events, copied, complete: isComplete });
      output.line(
        `Log ${logId}: ${events} events are the same in both logs, compared one by one; ${copied} were copied now.`,
      );
      if (isComplete) return EXIT.done;
      output.note(
        'The source is in use, so more may come. Stop Holdfast and run the command again: it copies what is missing.',
      );
      return EXIT.foundSomething;
    } finally {
      progress.end();
    }
  });
};

function placesOf(
  { product }: Context,
  options: { from: string; to?: string },
): { file: string; url: string } {
  const from = addressOf('--from', options.from);
  const to = options.to === undefined ? product.eventStore : addressOf('--to', options.to);
  if (from.kind !== 'sqlite' || to.kind !== 'esdb') {
    throw usageInvalid(
      'A log is copied from sqlite: to esdb://. Other directions are not supported: an EventStoreDB is copied by its own backup, a log of one machine by "holdfast backup".',
    );
  }
  return { file: from.file ?? join(product.dataDir, 'events.db'), url: to.url.reveal() };
}

function addressOf(option: string, text: string): EventStoreAddress {
  const parsed = eventStoreAddress.safeParse(text);
  if (parsed.success) return parsed.data;
  throw usageInvalid(`What ${option} names ${parsed.error.issues[0]?.message ?? 'is no log'}.`);
}
