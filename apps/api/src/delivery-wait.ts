import { type ContentPath, type Position } from '@holdfast/domain';
import { z } from 'zod';
import type { Api } from './api.ts';

const LONGEST_WAIT_SECONDS = 300;

/** `?wait=local|cdn&waitSeconds=10`: until the change has arrived there. */
export const waitQuery = {
  wait: z
    .enum(['local', 'cdn'])
    .optional()
    .meta({ description: 'Answer only when the change has arrived on this disk, or in the bucket' }),
  waitSeconds: z
    .string()
    .regex(/^\d{1,3}(?:\.\d{1,3})?$/, 'is not a number of seconds')
    .transform(Number)
    .refine((seconds) => seconds <= LONGEST_WAIT_SECONDS, `is more than ${LONGEST_WAIT_SECONDS}`)
    .default(10)
    .meta({ description: `At most ${LONGEST_WAIT_SECONDS}; 10 when absent; then the answer is 202` }),
};

export const waitedSchema = z
  .object({
    for: z.enum(['local', 'cdn']),
    reached: z.boolean(),
    /** Why it will not arrive by itself: the replication is a dead letter. */
    deadLetter: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .nullable()
  .meta({ description: 'What `?wait` came to; null without it' });
export type Waited = z.infer<typeof waitedSchema>;

/** What was changed: a path came to this version at this position. */
interface Change {
  readonly path: ContentPath;
  readonly version: number;
  readonly position: Position;
}

/** Waits as the client asked; ends early when it goes away. */
export async function waitForDelivery(
  api: Api,
  change: Change,
  query: { wait?: 'local' | 'cdn' | undefined; waitSeconds: number },
  signal: AbortSignal,
): Promise<Waited> {
  const timeoutMs = query.waitSeconds * 1000;
  switch (query.wait) {
    case undefined:
      return null;
    case 'local': {
      const { path, version, position } = change;
      // What cannot be read has not arrived: the change is in the log all the same.
      const reached = await api.reader
        .reached(path, version, position, { timeoutMs, signal })
        .catch(() => false);
      return { for: 'local', reached, deadLetter: null };
    }
    case 'cdn':
      return waitForCdn(api, change, timeoutMs, signal);
  }
}

async function waitForCdn(
  { catalog, clock }: Api,
  change: Change,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Waited> {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  signal.addEventListener('abort', end);
  let isOver = false;
  const deadline = clock.sleep(timeoutMs, over.signal).then(() => {
    isOver = true;
  });
  try {
    for (;;) {
      const changed = Promise.withResolvers<void>();
      const unlisten = catalog.onChange(changed.resolve);
      const outcome = outcomeOnCdn(catalog, change);
      if (outcome === null && !isOver) await Promise.race([changed.promise, deadline]);
      unlisten();
      if (outcome !== null) return outcome;
      if (isOver) return { for: 'cdn', reached: false, deadLetter: null };
    }
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

function outcomeOnCdn(catalog: Api['catalog'], { path, version }: Change): Waited {
  const { rows } = catalog.replications({ path, after: null, limit: 20 });
  // A newer version in the bucket stands for this one, which was skipped.
  const hasArrived = rows.some((row) => row.status === 'success' && row.version >= version);
  if (hasArrived) return { for: 'cdn', reached: true, deadLetter: null };
  const row = rows.find((candidate) => candidate.version === version);
  if (row?.status !== 'dead-letter') return null;
  return { for: 'cdn', reached: false, deadLetter: row.error };
}
