import type { ActivityAnswer, Alert, HealthAnswer } from '@holdfast/api/types';
import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { ask } from './client.ts';
import type { LiveEvent } from './live.ts';
import { type Activity, type Pulse, SECONDS_KEPT } from './pulse.ts';
import { keys, openAlertsQuery } from './queries.ts';

/** Lists are asked for again at most so often, however much happens. */
const REFRESH_EVERY_MS = 1_000;

type LiveHealth = Pick<
  HealthAnswer,
  'status' | 'node' | 'reasons' | 'warnings' | 'documents' | 'replications' | 'oldestPendingAt'
>;

/** What each event of `/v1/live` changes in what the page knows. */
export function applyLive(queries: QueryClient, pulse: Pulse): (event: LiveEvent) => void {
  const refresh = refresher(queries);
  let wasReady = true;
  return ({ event, data }) => {
    switch (event) {
      case 'hello':
        // Without it the charts begin empty, and fill.
        if (!pulse.isFilled) void fill(pulse).catch(() => undefined);
        break;
      case 'mode':
        queries.setQueryData(keys.mode, data);
        break;
      case 'mode-changed':
        // It is told at once; `mode` follows at the end of a second. The history and URLs are asked for again too.
        refresh(keys.mode);
        break;
      case 'alerts':
        queries.setQueryData(openAlertsQuery.queryKey, (data as { open: Alert[] }).open);
        break;
      case 'alert':
        refresh(keys.alerts);
        break;
      case 'health': {
        const health = data as LiveHealth;
        pulse.setQueue(waitingIn(health));
        // Until now some questions were refused, as while the catalog is read after a start.
        if (!wasReady && health.reasons.length === 0) void queries.invalidateQueries();
        wasReady = health.reasons.length === 0;
        queries.setQueryData<HealthAnswer>(keys.health, (known) => known && { ...known, ...health });
        break;
      }
      case 'activity':
        pulse.add(data as Activity);
        refresh(keys.documents);
        refresh(keys.replications);
        break;
      case 'job':
        refresh(keys.jobs);
        break;
      case 'scan':
        refresh(keys.drift);
        refresh(keys.health);
        break;
      case 'reset':
      case 'resumed':
        void queries.invalidateQueries();
        break;
      default:
        // What a newer API tells.
        break;
    }
  };
}

async function fill(pulse: Pulse): Promise<void> {
  const past = await ask<ActivityAnswer>(`/v1/activity?seconds=${SECONDS_KEPT}`);
  pulse.fill(past, Date.now());
}

export const waitingIn = ({ replications }: Pick<LiveHealth, 'replications'>): number =>
  (replications.queued ?? 0) + (replications.failed ?? 0);

/** At once, and again at the end of the second if there was more. */
function refresher(queries: QueryClient): (key: QueryKey) => void {
  const waiting = new Map<string, { isDue: boolean }>();
  const refresh = (key: QueryKey): void => {
    const name = key.join('/');
    const before = waiting.get(name);
    if (before !== undefined) {
      before.isDue = true;
      return;
    }
    const second = { isDue: false };
    waiting.set(name, second);
    void queries.invalidateQueries({ queryKey: key });
    setTimeout(() => {
      waiting.delete(name);
      if (second.isDue) refresh(key);
    }, REFRESH_EVERY_MS);
  };
  return refresh;
}
