import { type EventOf, type EventStore, MODE_STREAM } from '@holdfast/domain';

const PAGE = 50;

/**
 * The event by which a probe switched the local fallback on that is on now; null where it is off, or an operator
 * switched it on or asked for it since. Later changes of something else do not count.
 */
export async function findFailover(store: EventStore): Promise<EventOf<'ModeChanged'> | null> {
  let switchedOn: EventOf<'ModeChanged'> | null = null;
  let fromVersion: number | undefined;
  for (;;) {
    const page = (await store.readStream(MODE_STREAM, {
      direction: 'backwards',
      maxCount: PAGE,
      ...(fromVersion === undefined ? {} : { fromVersion }),
    })) as EventOf<'ModeChanged'>[];
    for (const event of page) {
      if (!event.data.localFallback) return byProbe(switchedOn);
      if (event.data.fallbackBy === 'operator') return null;
      switchedOn = event;
    }
    const oldest = page.at(-1);
    if (oldest === undefined || oldest.version === 0) return byProbe(switchedOn);
    fromVersion = oldest.version - 1;
  }
}

const byProbe = (event: EventOf<'ModeChanged'> | null): EventOf<'ModeChanged'> | null =>
  event?.data.cause === 'probe' ? event : null;
