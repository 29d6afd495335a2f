import { isHoldfastError, SCAN_KINDS } from '@holdfast/domain';
import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  Registry,
} from 'prom-client';
import type { Api } from './api.ts';
import { measureContentLag, measureLag } from './log-lag.ts';
import { findOpenAlerts } from './open-alerts.ts';
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
  const secondsSince = (instant: string): number =>
    Math.max(0, clock.now().getTime() - Date.parse(instant)) / 1000;
  addGauge({
    name: 'holdfast_catalog_lag_events',
    help: 'Events in the log that the catalog of this process has not applied yet, counted up to 1,000',
    registers,
    async collect() {
      this.set((await measureLag(store, catalog.checkpoint)).events);
    },
  });
  addGauge({
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
  addGauge({
    name: 'holdfast_replications',
    help: 'Versions in the replication log by status',
    labelNames: ['status'],
    registers,
    collect() {
      for (const [status, count] of Object.entries(catalog.replicationCounts())) this.set({ status }, count);
    },
  });
  addGauge({
    name: 'holdfast_replication_oldest_pending_seconds',
    help: 'For how long the oldest version has been waiting for the bucket; 0 when none does',
    registers,
    collect() {
      const oldest = catalog.oldestPendingAt() ?? clock.now();
      this.set(Math.max(0, clock.now().getTime() - oldest.getTime()) / 1000);
    },
  });
  addGauge({
    name: 'holdfast_mode_stale',
    help: '1 when this process has not heard from the log for 2 s',
    registers,
    collect() {
      this.set(modeWatch.isStale ? 1 : 0);
    },
  });
  addCondition(registers, api);
  addGauge({
    name: 'holdfast_disk_free_bytes',
    help: 'What may still be written to a disk of this node',
    labelNames: ['disk'],
    registers,
    collect() {
      this.reset();
      for (const { name, freeBytes } of disks.states()) this.set({ disk: name }, freeBytes);
    },
  });
  addGauge({
    name: 'holdfast_disk_total_bytes',
    help: 'Size of a disk of this node',
    labelNames: ['disk'],
    registers,
    collect() {
      this.reset();
      for (const { name, totalBytes } of disks.states()) this.set({ disk: name }, totalBytes);
    },
  });
  addGauge({
    name: 'holdfast_node_report_age_seconds',
    help: 'For how long nothing has been heard of a node',
    labelNames: ['reporter'],
    registers,
    collect() {
      this.reset();
      for (const { node, heardAt } of catalog.nodes()) {
        this.set({ reporter: node }, secondsSince(heardAt));
      }
    },
  });
  addGauge({
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
  addGauge({
    name: 'holdfast_alerts_open',
    help: 'Alerts that are open, of all nodes',
    labelNames: ['code', 'severity'],
    registers,
    collect() {
      this.reset();
      for (const { code, severity } of findOpenAlerts(api)) this.inc({ code, severity });
    },
  });
  addGauge({
    name: 'holdfast_scan_age_seconds',
    help: 'For how long the last scan of each kind has been over, or has been running, by its state',
    labelNames: ['kind', 'state'],
    registers,
    collect() {
      this.reset();
      for (const kind of SCAN_KINDS) {
        const [last] = catalog.scans({ kind, limit: 1 });
        if (last) this.set({ kind, state: last.state }, secondsSince(last.endedAt ?? last.startedAt));
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

/** What cannot be known now, as the log is away, is absent, and the rest is told all the same. */
function addGauge<Label extends string>({ collect, ...about }: GaugeConfiguration<Label>): void {
  new Gauge<Label>({
    ...about,
    async collect() {
      try {
        await collect?.call(this);
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
        this.reset();
        // Without labels it would be 0.
        if (about.labelNames === undefined) this.remove();
      }
    },
  });
}

/** What `/readyz` says, for those who watch numbers. */
function addCondition(registers: Registry[], api: Parameters<typeof findCondition>[0]): void {
  addGauge({
    name: 'holdfast_ready',
    help: '1 when this node should get traffic, as /readyz says',
    registers,
    async collect() {
      const { reasons } = await findCondition(api, 'public');
      this.set(reasons.length === 0 ? 1 : 0);
    },
  });
  addGauge({
    name: 'holdfast_condition',
    help: 'How often each reason of /readyz (level "reason") and each of its warnings (level "warning") holds now',
    labelNames: ['code', 'level'],
    registers,
    async collect() {
      const { reasons, warnings } = await findCondition(api, 'public');
      this.reset();
      for (const { code } of reasons) this.inc({ code, level: 'reason' });
      for (const { code } of warnings) this.inc({ code, level: 'warning' });
    },
  });
}
