import { type Clock, type EventStore, HoldfastError, toHoldfastError } from '@holdfast/domain';
import type { Lookout } from './condition-watch.ts';

const ANSWER_WITHIN_MS = 5_000;
/** A restart of the log's server is no reason to wake anybody. */
const RAISE_AFTER_MS = 15_000;

/**
 * Asks the log where it ends: EVENT_STORE_UNREACHABLE once it has not answered for a while.
 * @param options.subject  the process: `web-1/api`
 */
export function lookAtEventStore(options: {
  subject: string;
  store: Pick<EventStore, 'head'>;
  clock: Clock;
}): Lookout {
  const { subject, store, clock } = options;
  const which = { code: 'EVENT_STORE_UNREACHABLE', subject } as const;
  let failingSince: Date | null = null;
  return {
    what: 'the event log',
    look: async () => {
      const why = await findTrouble(store, clock);
      if (why === null) {
        failingSince = null;
        return [{ ...which, problem: null }];
      }
      failingSince ??= clock.now();
      if (clock.now().getTime() - failingSince.getTime() < RAISE_AFTER_MS) return [];
      const since = failingSince.toISOString();
      const message = `${subject} has not reached the event log since ${since}: ${why.message} Nothing can be published or deleted there; what is published already is served. It goes on by itself.`;
      const details = { code: why.code, since };
      return [{ ...which, problem: { severity: 'critical', message, details } }];
    },
  };
}

async function findTrouble(store: Pick<EventStore, 'head'>, clock: Clock): Promise<HoldfastError | null> {
  const hasAnswered = new AbortController();
  const answer = store.head().then(
    () => null,
    (error: unknown) => toHoldfastError(error),
  );
  const silence = clock
    .sleep(ANSWER_WITHIN_MS, hasAnswered.signal)
    .then(
      () => new HoldfastError('EVENT_STORE_UNAVAILABLE', `It did not answer within ${ANSWER_WITHIN_MS} ms.`),
    );
  const first = await Promise.race([answer, silence]);
  hasAnswered.abort();
  return first;
}
