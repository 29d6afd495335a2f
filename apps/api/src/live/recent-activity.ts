import type { Clock, EventStore, LogEntry, Position } from '@holdfast/domain';
import { type Activity, ACTIVITY_TYPES, ActivityCounter } from './activity.ts';

export interface RecentActivity {
  /** Those in which something happened, oldest first. */
  readonly seconds: readonly (Activity & { readonly at: string })[];
  readonly recent: Activity['recent'];
  /** Whether everything since then was looked at. */
  readonly isComplete: boolean;
}

const PAGE = 500;
/** However much happened, an answer costs no more than this. */
const MAX_PAGES = 20;

/** What happened to documents in the last seconds, as the log has it: nothing needs to be kept for whoever asks. */
export async function readRecentActivity(
  {
    store,
    clock,
    queuedAt,
  }: {
    store: Pick<EventStore, 'readLog'>;
    clock: Clock;
    queuedAt: (path: string, version: number) => string | null;
  },
  lastSeconds: number,
): Promise<RecentActivity> {
  const since = new Date(clock.now().getTime() - lastSeconds * 1000).toISOString();
  const { events, isComplete } = await readBackTo(store, since);
  const all = new ActivityCounter(() => null);
  const seconds = new Map<string, ActivityCounter>();
  for (const event of events.toReversed()) {
    all.add(event);
    const second = `${atOf(event).slice(0, 19)}.000Z`;
    const counter = seconds.get(second) ?? new ActivityCounter(queuedAt);
    counter.add(event);
    seconds.set(second, counter);
  }
  return {
    seconds: [...seconds]
      .map(([at, counter]) => ({ at, ...counter.take() }))
      // Clocks of several nodes may differ.
      .sort((one, other) => (one.at < other.at ? -1 : 1)),
    recent: all.take().recent,
    isComplete,
  };
}

/** Newest first. */
async function readBackTo(
  store: Pick<EventStore, 'readLog'>,
  since: string,
): Promise<{ events: LogEntry[]; isComplete: boolean }> {
  const events: LogEntry[] = [];
  let after: Position | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const read = await store.readLog({
      direction: 'backwards',
      after,
      maxCount: PAGE,
      filter: { types: ACTIVITY_TYPES },
    });
    for (const event of read.events) {
      if (atOf(event) === '') continue;
      if (atOf(event) < since) return { events, isComplete: true };
      events.push(event);
    }
    if (read.isEnd) return { events, isComplete: true };
    after = read.next;
  }
  return { events, isComplete: false };
}

const atOf = (event: LogEntry): string => (event.type === 'Unreadable' ? '' : event.metadata.at);
