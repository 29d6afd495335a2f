import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Api } from './api.ts';
import { measureContentLag, measureLag } from './log-lag.ts';
import { findCondition } from './readiness.ts';

export interface ApiMetrics {
  readonly registry: Registry;
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  /** What commands came to, one for each document. */
  readonly documents: Counter<'outcome'>;
  /** Answers of the local origin, by where the bytes came from. */
  readonly localOrigin: Counter<'from'>;
}

/** A registry of its own for each server, so that several can live in one process. */
export function createMetrics(api: Omit<Api, 'metrics' | 'urls' | 'requireWritable'>): ApiMetrics {
  const { store, catalog, clock, modeWatch, disks, settings } = api;
  const registry = new Registry();
  registry.setDefaultLabels({ node: settings.node });
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
  addCondition(registers, api);
  new Gauge({
    name: 'holdfast_disk_free_bytes',
    help: 'What may still be written to a disk of this node',
    labelNames: ['disk'],
    registers,
    collect() {
      for (const { name, freeBytes } of disks.states()) this.set({ disk: name }, freeBytes);
    },
  });
  new Gauge({
    name: 'holdfast_disk_total_bytes',
    help: 'Size of a disk of this node',
    labelNames: ['disk'],
    registers,
    collect() {
      for (const { name, totalBytes } of disks.states()) this.set({ disk: name }, totalBytes);
    },
  });
  new Gauge({
    name: 'holdfast_node_report_age_seconds',
    help: 'For how long nothing has been heard of a node',
    labelNames: ['reporter'],
    registers,
    collect() {
      this.reset();
      for (const { node, reportedAt } of catalog.nodes()) {
        this.set({ reporter: node }, Math.max(0, clock.now().getTime() - Date.parse(reportedAt)) / 1000);
      }
    },
  });
  new Gauge({
    name: 'holdfast_projector_lag_events',
    help: 'Content events in the log beyond the checkpoint of a projector, counted up to 1,000',
    labelNames: ['reporter', 'projector'],
    registers,
    async collect() {
      this.reset();
      for (const { node, projectors } of catalog.nodes()) {
        for (const { name, checkpoint } of projectors) {
          const { events } = await measureContentLag({ store, catalog }, checkpoint);
          this.set({ reporter: node, projector: name }, events);
        }
      }
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

/** What `/readyz` says, for those who watch numbers. */
function addCondition(registers: Registry[], api: Parameters<typeof findCondition>[0]): void {
  new Gauge({
    name: 'holdfast_ready',
    help: '1 when this node should get traffic, as /readyz says',
    registers,
    async collect() {
      const { reasons } = await findCondition(api);
      this.set(reasons.length === 0 ? 1 : 0);
    },
  });
  new Gauge({
    name: 'holdfast_condition',
    help: 'How often each reason of /readyz (level "reason") and each of its warnings (level "warning") holds now',
    labelNames: ['code', 'level'],
    registers,
    async collect() {
      const { reasons, warnings } = await findCondition(api);
      this.reset();
      for (const { code } of reasons) this.inc({ code, level: 'reason' });
      for (const { code } of warnings) this.inc({ code, level: 'warning' });
    },
  });
}
