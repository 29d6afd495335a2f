import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';
import { printable } from '@holdfast/domain';

/** How far something is. */
export interface Progress {
  /** @param total  null while nobody knows */
  update(what: string, done: number, total: number | null): void;
  /** Takes the bar away; nothing may follow. */
  end(): void;
}

export const noProgress: Progress = { update: () => undefined, end: () => undefined };

export function barProgress(stream: Writable): Progress {
  const bar = new SingleBar(
    {
      stream,
      format: '{what} [{bar}] {value}/{total}',
      clearOnComplete: true,
    },
    Presets.legacy,
  );
  let isStarted = false;
  return {
    update(given, done, total) {
      // The server may have said it.
      const what = printable(given);
      // A bar needs an end; without one it stands at its beginning.
      const end = Math.max(total ?? 0, done, 1);
      if (!isStarted) bar.start(end, done, { what });
      isStarted = true;
      bar.setTotal(end);
      bar.update(total === null ? 0 : done, { what });
    },
    end() {
      if (isStarted) bar.stop();
    },
  };
}

const LINE_EVERY_MS = 3_000;

export function lineProgress(
  say: (line: string) => void,
  now: () => number = () => performance.now(),
): Progress {
  let saidAt = now();
  return {
    update(what, done, total) {
      if (now() - saidAt < LINE_EVERY_MS) return;
      saidAt = now();
      say(`${what}: ${done}${total === null ? '' : ` of ${total}`}`);
    },
    end: () => undefined,
  };
}
