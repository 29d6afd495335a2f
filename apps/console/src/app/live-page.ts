import { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { isPassing } from '../api/client.ts';
import { LiveConnection, type LiveState } from '../api/live.ts';
import { applyLive } from '../api/live-updates.ts';
import { Pulse } from '../api/pulse.ts';

// One of each for the whole page, whatever part of it is shown.
const MAX_RETRIES = 3;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // What changes is told by /v1/live; the rest is asked for again when somebody looks.
      staleTime: 5_000,
      networkMode: 'always',
      retry: (failures, error) => failures < MAX_RETRIES && isPassing(error),
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 5_000),
    },
    mutations: { networkMode: 'always' },
  },
});

export const pulse = new Pulse(Date.now());
export const live = new LiveConnection(applyLive(queryClient, pulse));

export function startLivePage(): void {
  live.start();
  setInterval(() => pulse.tick(Date.now()), 1_000);
}

export const useLive = (): LiveState => useSyncExternalStore(live.subscribe, live.state);
export const useSeconds = () => useSyncExternalStore(pulse.subscribe, pulse.seconds);
export const useRecent = () => useSyncExternalStore(pulse.subscribe, pulse.recent);
