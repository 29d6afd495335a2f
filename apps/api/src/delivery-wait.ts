import type { ReplicationRow } from '@holdfast/catalog';
import type { ContentPath, Position } from '@holdfast/domain';
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
    reached: z.boolean().meta({ description: 'It, or a newer version, is there; false: the answer is 202' }),
    outcome: z.enum(['arrived', 'superseded', 'dead-letter', 'timed-out']).meta({
      description:
        'What ended the waiting. `superseded`: a newer version takes its place; `dead-letter`: it will not reach the bucket by itself',
    }),
    supersededBy: z.int().nullable(),
    deadLetter: z.object({ attempts: z.int(), code: z.string(), message: z.string() }).nullable(),
    detail: z.string().meta({ description: 'The same for people' }),
  })
  .nullable()
  .meta({
    description:
      'What `?wait` came to; null without it. Whatever it says, the change is made and durable on this side',
  });
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
  switch (query.wait) {
    case undefined:
      return null;
    case 'local':
      return waitForLocal(api, change, query.waitSeconds, signal);
    case 'cdn':
      return waitForCdn(api, change, query.waitSeconds, signal);
  }
}

async function waitForLocal(
  { reader }: Api,
  { path, version, position }: Change,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<Waited> {
  // What cannot be read has not arrived: the change is in the log all the same.
  const reached = await reader
    .reached(path, version, position, { timeoutMs: waitSeconds * 1000, signal })
    .catch(() => false);
  return {
    for: 'local',
    reached,
    outcome: reached ? 'arrived' : 'timed-out',
    ...NOTHING_MORE,
    detail: reached
      ? `Version ${version} of ${path} is on the disk of this node.`
      : `Version ${version} of ${path} is in the log, and was not on the disk of this node within ${waitSeconds} s.`,
  };
}

async function waitForCdn(
  api: Api,
  change: Change,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<Waited> {
  const { catalog, clock } = api;
  const over = new AbortController();
  let isOver = false;
  const deadline = clock.sleep(waitSeconds * 1000, AbortSignal.any([over.signal, signal])).then(() => {
    isOver = true;
  });
  try {
    for (;;) {
      const changed = Promise.withResolvers<void>();
      const unlisten = catalog.onChange(changed.resolve);
      const outcome = outcomeOnCdn(api, change);
      if (outcome === null && !isOver) await Promise.race([changed.promise, deadline]);
      unlisten();
      if (outcome !== null) return outcome;
      if (isOver) return timedOut(api, change, waitSeconds);
    }
  } finally {
    over.abort();
  }
}

/** @returns null while it is still to be replicated */
function outcomeOnCdn({ catalog }: Api, { path, version }: Change): Waited {
  const row = catalog.replication(path, version);
  switch (row?.status) {
    case undefined:
    case 'queued':
    case 'failed':
      return null;
    case 'success':
      return {
        for: 'cdn',
        reached: true,
        outcome: 'arrived',
        ...NOTHING_MORE,
        detail: `${name(row)} has reached the bucket.`,
      };
    case 'superseded': {
      const { version: newest, onCdn } = catalog.document(path)!;
      const isThere =
        (onCdn !== null && onCdn.version > version) ||
        catalog.replication(path, newest)?.status === 'success';
      return {
        for: 'cdn',
        reached: isThere,
        outcome: 'superseded',
        ...NOTHING_MORE,
        supersededBy: newest,
        detail: `${name(row)} is ${done(row)}; version ${newest} took its place before it reached the bucket${isThere ? '' : ', and is not there yet'}.`,
      };
    }
    case 'dead-letter': {
      const { attempts, error } = row;
      return {
        for: 'cdn',
        reached: false,
        outcome: 'dead-letter',
        ...NOTHING_MORE,
        deadLetter: { attempts, code: error!.code, message: error!.message },
        detail: `${name(row)} is ${done(row)} and durable here, but was given up for the bucket after ${attempts === 1 ? 'the first attempt' : `${attempts} attempts`}: ${error!.code}: ${error!.message} POST /v1/replications/retry asks for another round.`,
      };
    }
  }
}

function timedOut({ catalog, modeWatch }: Api, { path, version }: Change, waitSeconds: number): Waited {
  const row = catalog.replication(path, version)!;
  const goesOn = modeWatch.mode.cdnEnabled
    ? 'It goes on'
    : 'The CDN is switched off, so replication is paused and goes on when it is switched on';
  return {
    for: 'cdn',
    reached: false,
    outcome: 'timed-out',
    ...NOTHING_MORE,
    detail: `${name(row)} is ${done(row)} and durable here, and has not reached the bucket within ${waitSeconds} s. ${goesOn}: GET /v1/replications?path= tells how.`,
  };
}

const NOTHING_MORE = { supersededBy: null, deadLetter: null };

const name = ({ path, version }: ReplicationRow): string => `Version ${version} of ${path}`;
const done = ({ action }: ReplicationRow): string => (action === 'put' ? 'published' : 'deleted');
