import type {
  AlertList,
  AuditPage,
  DriftAnswer,
  HealthAnswer,
  JobAnswer,
  ModeAnswer,
  QuarantineAnswer,
  ReplicationList,
} from '@holdfast/api/types';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { ask, query } from './client.ts';
import { ApiProblem } from './problem.ts';

/** The first word of each key says what makes it stale; see live-updates.ts. */
export const keys = {
  session: ['session'],
  mode: ['mode'],
  modeHistory: ['mode', 'history'],
  health: ['health'],
  alerts: ['alerts'],
  drift: ['drift'],
  quarantine: ['quarantine'],
  jobs: ['jobs'],
  replications: ['replications'],
  documents: ['documents'],
} as const;

/** Who we are by our token. */
export interface Session {
  readonly name: string;
  readonly role: 'viewer' | 'publisher' | 'operator';
}

/** Null where the API knows no tokens. */
export const sessionQuery = queryOptions({
  queryKey: keys.session,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return await ask<Session>('/v1/session', { signal });
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 404) return null;
      throw error;
    }
  },
  staleTime: Infinity,
});

export const modeQuery = queryOptions({
  queryKey: keys.mode,
  queryFn: ({ signal }) => ask<ModeAnswer>('/v1/mode', { signal }),
});

export const healthQuery = queryOptions({
  queryKey: keys.health,
  queryFn: ({ signal }) => ask<HealthAnswer>('/v1/health', { signal }),
  // What changes with time alone (reports of nodes, disks) is told by nobody.
  refetchInterval: 5_000,
});

export const openAlertsQuery = queryOptions({
  queryKey: [...keys.alerts, 'open'],
  queryFn: async ({ signal }) =>
    (await ask<AlertList>('/v1/alerts?state=open&limit=1000', { signal })).alerts,
});

export const driftQuery = queryOptions({
  queryKey: keys.drift,
  queryFn: ({ signal }) => ask<DriftAnswer>('/v1/drift?limit=30&findings=false', { signal }),
});

export const quarantineQuery = queryOptions({
  queryKey: keys.quarantine,
  queryFn: ({ signal }) => ask<QuarantineAnswer>('/v1/quarantine', { signal }),
});

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.jobs, id],
    queryFn: ({ signal }) => ask<JobAnswer>(`/v1/jobs/${encodeURIComponent(id)}`, { signal }),
  });

export const alertsQuery = (filters: { state: 'open' | 'past' | 'all'; code?: string }) =>
  infiniteQueryOptions({
    queryKey: [...keys.alerts, 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      ask<AlertList>(`/v1/alerts${query({ ...filters, limit: 100, cursor: pageParam })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  });

export const modeHistoryQuery = infiniteQueryOptions({
  queryKey: keys.modeHistory,
  queryFn: ({ signal, pageParam }) =>
    ask<AuditPage>(`/v1/audit${query({ type: 'ModeChanged', limit: 50, cursor: pageParam })}`, { signal }),
  initialPageParam: null as string | null,
  getNextPageParam: ({ next }) => next,
});

export const replicationsQuery = (filters: { status?: string; prefix?: string; since?: string }) =>
  infiniteQueryOptions({
    queryKey: [...keys.replications, 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      ask<ReplicationList>(`/v1/replications${query({ ...filters, limit: 100, cursor: pageParam })}`, {
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  });
