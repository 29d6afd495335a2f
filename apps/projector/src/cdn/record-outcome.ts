import type { DueReplication } from '@holdfast/catalog';
import {
  type Appended,
  type Clock,
  type ContentPath,
  type DecidedEvent,
  type EventMetadata,
  type EventStore,
  type ExpectedVersion,
  hasCode,
  type HoldfastError,
  newEventId,
  type NewEvent,
  type Position,
  type RecordedEvent,
  replicationStream,
} from '@holdfast/domain';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { judgeAttempt } from './judge-attempt.ts';
import type { Outcome } from './replicate.ts';
import { untilAnswered } from '../runtime/until-answered.ts';

export interface RecordPorts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly log: ProjectorLog;
  readonly retryScheduleMs: readonly number[];
  /** Between 0 and 1. */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** An attempt that was made. */
export interface Attempt {
  readonly due: DueReplication;
  /** Position up to which the catalog knew of requests to retry when it said that this attempt is due. */
  readonly asOf: Position | null;
  readonly startedAt: Date;
  /** Before that, it may still take effect: it is not to be repeated. */
  readonly settledAt: Date | null;
  readonly metadata: Omit<EventMetadata, 'at'>;
}

const MAX_MESSAGE_CHARS = 2_000;
/** Waits are up to a tenth longer, so that what failed together does not come back together. */
const JITTER = 0.1;

/**
 * Appends what became of an attempt, however long the log is away.
 * @returns its position; null when the signal aborted first: the attempt is then made again
 * @throws the failure itself, where its kind says that the projector must stop
 */
export async function recordOutcome(
  attempt: Attempt,
  outcome: Exclude<Outcome, { is: 'superseded' }>,
  ports: RecordPorts,
): Promise<Position | null> {
  const endedAt = ports.clock.now();
  const metadata = { ...attempt.metadata, at: endedAt.toISOString() };
  const durationMs = Math.max(0, endedAt.getTime() - attempt.startedAt.getTime());
  const { path, version, action, attempt: number } = attempt.due;
  if (outcome.is === 'replicated') {
    const { sha256, etag, storedMs } = outcome;
    const data = { path, version, action, sha256, etag, storedMs, attempt: number, durationMs };
    // Any version: it is true whatever was recorded meanwhile, and the id keeps a repeat from counting twice.
    return append(path, { type: 'ContentReplicated', data }, 'any', newEventId(), metadata, ports);
  }
  const id = newEventId();
  for (;;) {
    const last = await readLast(path, ports);
    if (last === 'aborted') return null;
    if (last?.id === id) return last.position;
    const event = decideFailure(attempt, outcome.error, endedAt, durationMs, last, ports);
    try {
      // Exactly after what was read: a request to retry must not be followed by a dead letter it did not see.
      const position = await append(path, event, last?.version ?? 'none', id, metadata, ports);
      if (event.type === 'ReplicationDeadLettered') {
        const { code, message } = outcome.error;
        ports.log.error(
          { path, version, code },
          `Gave up on replicating ${path} (version ${version}): ${message}`,
        );
      }
      return position;
    } catch (error) {
      if (!hasCode(error, 'STREAM_VERSION_CONFLICT')) throw error;
    }
  }
}

function decideFailure(
  { due, asOf, settledAt }: Attempt,
  error: HoldfastError,
  failedAt: Date,
  durationMs: number,
  last: RecordedEvent | null,
  { retryScheduleMs, random }: RecordPorts,
): DecidedEvent {
  const { path, version, action } = due;
  const isNewRound =
    last?.type === 'ReplicationRetryRequested' &&
    last.data.version === version &&
    (asOf === null || last.position > asOf);
  // Somebody asked for another round while this attempt was made: it is the first of that.
  const attempt = isNewRound ? 1 : due.attempt;
  const verdict = judgeAttempt(error, attempt, retryScheduleMs, failedAt);
  const told = { code: error.code, message: error.message.slice(0, MAX_MESSAGE_CHARS) };
  switch (verdict.do) {
    case 'retry': {
      const waitMs = (verdict.at.getTime() - failedAt.getTime()) * (1 + JITTER * random());
      const nextRetryAt = new Date(
        Math.max(failedAt.getTime() + Math.round(waitMs), settledAt?.getTime() ?? 0),
      );
      const data = {
        path,
        version,
        action,
        attempt,
        error: told,
        nextRetryAt: nextRetryAt.toISOString(),
        durationMs,
      };
      return { type: 'ReplicationFailed', data };
    }
    case 'dead-letter':
      return {
        type: 'ReplicationDeadLettered',
        data: { path, version, action, attempts: attempt, error: told, durationMs },
      };
    case 'stop':
      throw error;
  }
}

async function readLast(path: ContentPath, ports: RecordPorts): Promise<RecordedEvent | null | 'aborted'> {
  const stream = replicationStream(path);
  const events = await untilAnswered(ports, () =>
    ports.store.readStream(stream, { direction: 'backwards', maxCount: 1 }),
  );
  return events === null ? 'aborted' : (events[0] ?? null);
}

async function append(
  path: ContentPath,
  event: DecidedEvent,
  expected: ExpectedVersion,
  id: string,
  metadata: EventMetadata,
  ports: RecordPorts,
): Promise<Position | null> {
  const events: NewEvent[] = [{ ...event, id, metadata }];
  const appended = await untilAnswered<Appended>(ports, () =>
    ports.store.append(replicationStream(path), events, expected),
  );
  return appended?.position ?? null;
}
