// Given a tree on disk and its replica in a folder bucket, and what somebody does to both: what does a scan find?
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FolderObjectStore } from '@holdfast/cdn';
import {
  type EventData,
  type Finding,
  jobStream,
  ModeWatch,
  newEventId,
  type ObjectStore,
  type ScanKind,
  type ScanParameters,
  systemClock,
} from '@holdfast/domain';
// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- only specs import this file
import { LOG_ID, newEvent } from '@holdfast/domain/testing';
import type { Alert, AlertBoard, AlertSubject } from '@holdfast/health';
import { type ContentReader, openContentReader } from '@holdfast/storage';
import { CdnProjector } from '../../cdn/cdn-projector.ts';
import { JobRunner } from '../../jobs/job-runner.ts';
import { type LocalNode, until } from '../../local/testing/local-node.ts';
import { LocalWorld } from '../../local/testing/local-world.ts';
import { restoreFromQuarantine } from '../restore-job.ts';
import { scanJob, type ScanJobPorts } from '../scan-job.ts';

export const NODE = 'web-1';
const DEADLINE_MS = 120_000;

/** Keeps what is raised, as the last word on each. */
export class Board implements AlertBoard {
  readonly raised = new Map<string, Alert>();
  raise(alert: Alert): void {
    this.raised.set(alert.code, alert);
  }
  clear({ code }: AlertSubject): void {
    this.raised.delete(code);
  }
}

export class DriftWorld extends LocalWorld {
  readonly alerts = new Board();
  readonly bucketFolder = join(this.directory, 'bucket');
  bucket: ObjectStore = new FolderObjectStore({ folder: this.bucketFolder });
  node!: LocalNode;
  content!: ContentReader;
  #jobs: JobRunner | null = null;

  /** Both projectors run, and whoever asks for a scan gets one. */
  async run(options: Partial<ScanJobPorts> & { withoutCdn?: true } = {}): Promise<void> {
    this.node = await this.start();
    await this.node.projector.caughtUp();
    const { catalog, projector } = this.node;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    this.content = openContentReader({ dataDir: this.dataDir });
    this.onDispose(() => this.content.close());
    const mode = new ModeWatch({ store: this.store, clock: systemClock });
    await mode.start(() => undefined);
    this.onDispose(() => mode.close());
    const shared = {
      store: this.store,
      catalog,
      content: this.content,
      bucket: this.bucket,
      clock: systemClock,
      log,
    };
    const logId = await this.store.identity();
    if (options.withoutCdn !== true) {
      const purging = { start: () => undefined, close: () => Promise.resolve() };
      const cdn = new CdnProjector(
        { ...shared, mode, purging, alerts: this.alerts },
        { node: NODE, logId, concurrency: 8, retryScheduleMs: [60_000], cacheControl: 'no-cache' },
      );
      cdn.start();
      this.onDispose(() => cdn.close());
    }
    const scans = scanJob({
      ...shared,
      local: projector,
      dataDir: this.dataDir,
      node: NODE,
      logId,
      alerts: this.alerts,
      random: () => 0.5,
      maxRepairs: { count: 1_000, percent: null },
      patienceMs: DEADLINE_MS,
      ...options,
    });
    const restores = restoreFromQuarantine({ ...shared, local: projector, dataDir: this.dataDir });
    const jobs = { scan: scans, 'quarantine-restore': restores };
    const inheritsJobs = () => false;
    this.#jobs = new JobRunner(
      { store: this.store, catalog, clock: systemClock, log, jobs, inheritsJobs },
      { node: NODE },
    );
    this.#jobs.start();
    this.onDispose(() => this.#jobs?.close());
    this.onDispose(() => this.bucket.close());
  }

  /** Everything in the log is on disk and in the bucket. */
  async settled(): Promise<void> {
    const { catalog, projector } = this.node;
    await projector.caughtUp();
    await catalog.caughtUp();
    const isSettled = (): boolean =>
      catalog.replicationsDue({ now: new Date(), limit: 1, exclude: new Set() }).length === 0;
    await until('everything is replicated', isSettled, DEADLINE_MS);
  }

  async job(kind: 'scan' | 'quarantine-restore', parameters: EventData<'JobRequested'>['parameters']) {
    const id = newEventId();
    const requested = newEvent({ type: 'JobRequested', data: { kind, node: NODE, parameters } });
    await this.store.append(jobStream(id), [requested], 'none');
    const { catalog } = this.node;
    const isDone = (): boolean => ['succeeded', 'failed'].includes(catalog.job(id)?.state ?? '');
    await until(`the job ${kind} is done`, isDone, DEADLINE_MS);
    await catalog.caughtUp();
    return catalog.job(id)!;
  }

  /** @returns the job, the report, and all findings in their order */
  async scan(kind: ScanKind = 'full', options: Partial<ScanParameters> = {}) {
    const job = await this.job('scan', {
      kind,
      repair: 'none',
      sides: 'both',
      confirmedOrphans: null,
      ...options,
    });
    const scan = this.node.catalog.scan(job.id);
    return {
      job,
      scan,
      report: scan?.report ?? null,
      findings: scan?.state === 'completed' ? this.findingsOf(scan.id) : [],
    };
  }

  findingsOf(scanId: string): Finding[] {
    return readFileSync(this.at('scans', `${scanId}.ndjson`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Finding);
  }

  /** Puts a file where Holdfast did not. */
  plant(file: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  }

  /** Another bit in a byte, with size and time of modification as they were. */
  flip(file: string): void {
    const { atime, mtime } = statSync(file);
    const bytes = readFileSync(file);
    bytes[0]! ^= 1;
    writeFileSync(file, bytes);
    utimesSync(file, atime, mtime);
  }

  object(key: string): string {
    return join(this.bucketFolder, key);
  }

  /** An object as this log would have put it, or as somebody else did. */
  async putObject(
    key: string,
    text: string,
    changes: { contentType?: string; logId?: string; version?: number } = {},
  ) {
    const body = Buffer.from(text);
    const hash = (name: string): string => createHash(name).update(body).digest('hex');
    await this.bucket.put(key, body, {
      contentType: changes.contentType ?? 'application/json',
      cacheControl: 'no-cache',
      md5: hash('md5'),
      metadata: {
        sha256: hash('sha256'),
        version: String(changes.version ?? 0),
        'holdfast-log': changes.logId ?? LOG_ID,
      },
    });
  }
}
