import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ApiPorts, ApiSettings } from './api.ts';
import { measureLag } from './log-lag.ts';

export interface ApiMetrics {
  readonly registry: Registry;
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  /** What commands came to, one for each document. */
  readonly documents: Counter<'outcome'>;
  /** Answers of the local origin, by where the bytes came from. */
  readonly localOrigin: Counter<'from'>;
}

/** A registry of its own for each server, so that several can live in one process. */
export function createMetrics(
  { store, catalog, clock, modeWatch }: Pick<ApiPorts, 'store' | 'catalog' | 'clock' | 'modeWatch'>,
  { node }: Pick<ApiSettings, 'node'>,
): ApiMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ node });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  new Gauge({
    name: 'holdfast_catalog_lag_events',
    help: 'Events in the log that the catalog of this process has not applied yet, counted up to 1,000',
    registers,
    async collect() {
      this.set((await measureLag(store, catalog.checkpoint)).events);
    },
  });
  new Gauge({
    name: 'holdfast_documents',
    help: 'Documents by status',
    labelNames: ['status'],
    registers,
    collect() {
      const { published, deleted } = catalog.documentCounts();
      this.set({ status: 'published' }, published);
      this.set({ status: 'deleted' }, deleted);
    },
  });
  new Gauge({
    name: 'holdfast_replications',
    help: 'Versions in the replication log by status',
    labelNames: ['status'],
    registers,
    collect() {
      for (const [status, count] of Object.entries(catalog.replicationCounts())) this.set({ status }, count);
    },
  });
  new Gauge({
    name: 'holdfast_replication_oldest_pending_seconds',
    help: 'For how long the oldest version has been waiting for the bucket; 0 when none does',
    registers,
    collect() {
      const oldest = catalog.oldestPendingAt() ?? clock.now();
      this.set(Math.max(0, clock.now().getTime() - oldest.getTime()) / 1000);
    },
  });
  new Gauge({
    name: 'holdfast_mode_stale',
    help: '1 when this process has not heard from the log for 2 s',
    registers,
    collect() {
      this.set(modeWatch.isStale ? 1 : 0);
    },
  });
  return {
    registry,
    requests: new Histogram({
      name: 'holdfast_http_request_seconds',
      help: 'Time from the first byte of a request to the last of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    }),
    documents: new Counter({
      name: 'holdfast_documents_changed_total',
      help: 'Documents that commands asked for, by what became of them',
      labelNames: ['outcome'],
      registers,
    }),
    localOrigin: new Counter({
      name: 'holdfast_local_origin_answers_total',
      help: 'Answers of the local origin, by where the bytes came from',
      labelNames: ['from'],
      registers,
    }),
  };
}
