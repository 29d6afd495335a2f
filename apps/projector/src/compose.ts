import 'reflect-metadata';
import { Catalog, openCatalog } from '@holdfast/catalog';
import { CloudflarePurger } from '@holdfast/cdn';
import {
  type Clock,
  CLOCK,
  CommandHandler,
  EVENT_STORE,
  type EventStore,
  ModeWatch,
  OBJECT_STORE,
  type ObjectStore,
  type Purger,
  systemClock,
  toHoldfastError,
} from '@holdfast/domain';
import { openSqliteEventStore } from '@holdfast/event-store';
import {
  Alerts,
  openAlerts,
  appendWithReserve,
  DiskGuard,
  Heartbeat,
  type ConditionWatch,
  openReserves,
  type Reserves,
  type WatchedDisk,
} from '@holdfast/health';
import {
  type ContentReader,
  dataPaths,
  lockDataDirectory,
  openContentReader,
  prepareDataDirectory,
  findMismatch,
  refuseMissingLog,
} from '@holdfast/storage';
import { dirname } from 'node:path';
import { pino, type Logger } from 'pino';
import { container, type DependencyContainer, instanceCachingFactory } from 'tsyringe';
import { CdnProjector } from './cdn/cdn-projector.ts';
import { Purging } from './cdn/purging.ts';
import { type Released, whenLocked } from './cdn/stand-by.ts';
import type { ProjectorConfig } from './config.ts';
import { DriftProjector } from './drift/drift-projector.ts';
import { restoreFromQuarantine } from './drift/restore-job.ts';
import { scanJob } from './drift/scan-job.ts';
import { Failover } from './failover/failover.ts';
import { whileHeld } from './failover/while-held.ts';
import { directoryDeletion } from './jobs/directory-deletion.ts';
import { JobRunner } from './jobs/job-runner.ts';
import { replay } from './jobs/replay.ts';
import { retryAll } from './jobs/retry-all.ts';
import { LocalProjector } from './local/local-projector.ts';
import { readNodeState } from './node-state.ts';
import { openBucket } from './open-bucket.ts';
import { readVersion } from './version.ts';
import { scanSchedules } from './watch/scan-schedules.ts';
import { watchConditions } from './watch/watch-conditions.ts';
import { Holding } from './watch/while-holding.ts';

export interface Overrides {
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Already open; closed with the rest. */
  readonly store?: EventStore;
  readonly bucket?: ObjectStore;
  /** Called when the process cannot go on, and a new one could. */
  readonly onFatal?: () => void;
}

export interface Composed {
  readonly logger: Logger;
  /** The projectors of this process; null where the settings leave one out. */
  readonly projectors: {
    readonly local: LocalProjector | null;
    readonly cdn: CdnProjector | null;
    readonly drift: DriftProjector | null;
  };
  /** Resolves when all work in the background has begun. */
  readonly start: () => Promise<void>;
  /** In the reverse order of opening. May be called more than once. */
  readonly close: () => Promise<void>;
}

const CONTENT_READER = Symbol('ContentReader');
const LOGGER = Symbol('Logger');
const LOG_ID = Symbol('LogId');
const CDN_LOCK = Symbol('CdnLock');
const RESERVES = Symbol('Reserves');
const DISKS = Symbol('Disks');
const CONDITION_WATCH = Symbol('ConditionWatch');
/** How long a repair waits for the replicas it asked for, a page at a time; the next scan sees the rest. */
const REPAIR_PATIENCE_MS = 60_000;

/**
 * Opens everything in order; what fails half-way closes what is open.
 * @throws DATA_DIR_UNUSABLE, DATA_DIR_IN_USE, LOG_MISMATCH, SCHEMA_TOO_NEW, DATABASE_CORRUPT, DISK_FULL
 */
export async function compose(config: ProjectorConfig, overrides: Overrides = {}): Promise<Composed> {
  const parts = container.createChildContainer();
  const closers: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    await open(parts, closers, config, overrides);
    registerProjectors(parts, config);
    registerDrift(parts, config);
    const runs = (name: 'local' | 'cdn' | 'drift'): boolean => config.projectors.includes(name);
    const projectors = {
      local: runs('local') ? parts.resolve(LocalProjector) : null,
      cdn: runs('cdn') ? parts.resolve(CdnProjector) : null,
      drift: runs('drift') ? parts.resolve(DriftProjector) : null,
    };
    registerWatchers(parts, config, projectors);
    const start = (): Promise<void> => startAll(parts, closers, config, projectors);
    return { logger: parts.resolve<Logger>(LOGGER), projectors, start, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What has to be opened, and closed, in an order. */
async function open(
  parts: DependencyContainer,
  closers: (() => void | Promise<void>)[],
  config: ProjectorConfig,
  overrides: Overrides,
): Promise<void> {
  const { dataDir } = config;
  const paths = dataPaths(dataDir);
  const clock = overrides.clock ?? systemClock;
  const logger = overrides.logger ?? pino({ level: config.logLevel, name: 'holdfast-projector' });
  parts.registerInstance<Clock>(CLOCK, clock);
  parts.registerInstance<Logger>(LOGGER, logger);
  const onTrouble = (what: string) => (error: unknown) => {
    const { code, kind, message } = toHoldfastError(error);
    logger.warn({ err: error, code }, `${what}: ${message}`);
    if (kind !== 'transient' && kind !== 'exhausted') overrides.onFatal?.();
  };

  prepareDataDirectory(dataDir);
  const alone = config.projectors.includes('local') ? 'local' : 'cdn';
  const lock =
    alone === 'local' ? lockDataDirectory(dataDir, 'local') : await standByForCdn(dataDir, clock, logger);
  closers.push(() => {
    lock.release();
  });
  const cdnLock: () => Released =
    alone === 'cdn' ? () => ({ release: () => undefined }) : () => lockDataDirectory(dataDir, 'cdn');
  const holding = new Holding();
  parts.registerInstance(Holding, holding);
  parts.registerInstance(CDN_LOCK, whileHeld(cdnLock, holding));
  const alerts = openAlerts(
    { file: paths.alerts(processName(config)), actor: `projector:${config.node}`, clock, log: logger },
    config,
  );
  closers.push(() => alerts.close());
  alerts.start();
  parts.registerInstance(Alerts, alerts);
  const file = config.eventStore.file ?? paths.events;
  if (overrides.store === undefined) refuseMissingLog(dataDir, file);
  const opened =
    overrides.store ??
    (await openSqliteEventStore({ file, bellFile: paths.eventsBell, clock, createIfMissing: true }));
  closers.push(() => opened.close());
  const reserves = openReserves({ dataDirectory: dataDir, logDirectory: dirname(file), clock });
  parts.registerInstance<Reserves>(RESERVES, reserves);
  parts.registerInstance<readonly WatchedDisk[]>(DISKS, watchedDisks(config, dirname(file), reserves, clock));
  const store = appendWithReserve(opened, reserves.log);
  parts.registerInstance<EventStore>(EVENT_STORE, store);
  parts.registerInstance(LOG_ID, await store.identity());

  const catalog = await openCatalog({ file: catalogFile(config), store, clock });
  closers.push(() => catalog.close());
  catalog.start(onTrouble('the catalog'));
  parts.registerInstance(Catalog, catalog);

  const modeWatch = new ModeWatch({ store, clock });
  closers.push(() => modeWatch.close());
  await modeWatch.start(onTrouble('the watch on the mode'));
  parts.registerInstance(ModeWatch, modeWatch);

  const content = openContentReader({ dataDir });
  closers.push(() => {
    content.close();
  });
  parts.registerInstance<ContentReader>(CONTENT_READER, content);

  const bucket =
    overrides.bucket ??
    (await openBucket(config, clock, () => {
      reserves.data.requireRoom();
    }));
  closers.push(() => bucket.close());
  parts.registerInstance<ObjectStore>(OBJECT_STORE, bucket);
}

function registerProjectors(parts: DependencyContainer, config: ProjectorConfig): void {
  const { dataDir, node, cdnBaseUrl, urlVersion } = config;
  parts.register(LocalProjector, {
    useFactory: instanceCachingFactory(
      (from) =>
        new LocalProjector({
          store: from.resolve(EVENT_STORE),
          catalog: from.resolve(Catalog),
          clock: from.resolve(CLOCK),
          dataDir,
          logId: from.resolve(LOG_ID),
          log: from.resolve<Logger>(LOGGER).child({ projector: 'local' }),
          requireRoom: () => {
            from.resolve<Reserves>(RESERVES).data.requireRoom();
          },
        }),
    ),
  });
  parts.register(Purging, {
    useFactory: instanceCachingFactory(
      (from) =>
        new Purging(
          {
            store: from.resolve(EVENT_STORE),
            bucket: from.resolve(OBJECT_STORE),
            purger: createPurger(config, from.resolve(CLOCK)),
            mode: from.resolve(ModeWatch),
            clock: from.resolve(CLOCK),
            log: from.resolve<Logger>(LOGGER).child({ projector: 'purge' }),
          },
          { logId: from.resolve(LOG_ID), cdnBaseUrl, urlVersion },
        ),
    ),
  });
  parts.register(Failover, {
    useFactory: instanceCachingFactory((from) => {
      const store = from.resolve<EventStore>(EVENT_STORE);
      const clock = from.resolve<Clock>(CLOCK);
      return new Failover(
        {
          store,
          clock,
          commands: new CommandHandler({ store, clock }),
          mode: from.resolve(ModeWatch),
          log: from.resolve<Logger>(LOGGER).child({ projector: 'failover' }),
        },
        { node, logId: from.resolve(LOG_ID), cdnBaseUrl },
      );
    }),
  });
  parts.register(CdnProjector, {
    useFactory: instanceCachingFactory(
      (from) =>
        new CdnProjector(
          {
            store: from.resolve(EVENT_STORE),
            catalog: from.resolve(Catalog),
            content: from.resolve(CONTENT_READER),
            bucket: from.resolve(OBJECT_STORE),
            purging: from.resolve(Purging),
            mode: from.resolve(ModeWatch),
            alerts: from.resolve(Alerts),
            clock: from.resolve(CLOCK),
            log: from.resolve<Logger>(LOGGER).child({ projector: 'cdn' }),
            lock:
              config.failover === 'auto'
                ? whileHeld(from.resolve(CDN_LOCK), from.resolve(Failover))
                : from.resolve(CDN_LOCK),
            ...(config.projectors.includes('local')
              ? { countLocalPending: () => from.resolve(LocalProjector).status().pending }
              : {}),
          },
          {
            node,
            logId: from.resolve(LOG_ID),
            concurrency: config.cdnConcurrency,
            retryScheduleMs: config.retryScheduleMs,
            cacheControl: config.cacheControl,
          },
        ),
    ),
  });
}

function registerDrift(parts: DependencyContainer, config: ProjectorConfig): void {
  const { node, quickScan, fullScan, timezone } = config;
  parts.register(DriftProjector, {
    useFactory: instanceCachingFactory(
      (from) =>
        new DriftProjector(
          {
            store: from.resolve(EVENT_STORE),
            catalog: from.resolve(Catalog),
            clock: from.resolve(CLOCK),
            log: from.resolve<Logger>(LOGGER).child({ projector: 'drift' }),
          },
          { node, quickScan, fullScan, timezone },
        ),
    ),
  });
}

/** What only a node with files of its own does. */
function driftJobs(
  from: DependencyContainer,
  { dataDir, node, maxRepairs }: ProjectorConfig,
  { local, drift }: Composed['projectors'],
) {
  if (local === null) return {};
  const clock = from.resolve<Clock>(CLOCK);
  const restore = restoreFromQuarantine({ local, clock, dataDir });
  if (drift === null) return { 'quarantine-restore': restore };
  const scan = scanJob({
    store: from.resolve(EVENT_STORE),
    catalog: from.resolve(Catalog),
    content: from.resolve(CONTENT_READER),
    bucket: from.resolve(OBJECT_STORE),
    alerts: from.resolve(Alerts),
    log: from.resolve<Logger>(LOGGER).child({ projector: 'drift' }),
    logId: from.resolve(LOG_ID),
    random: Math.random,
    patienceMs: REPAIR_PATIENCE_MS,
    clock,
    local,
    dataDir,
    node,
    maxRepairs,
  });
  return { scan, 'quarantine-restore': restore };
}

function registerWatchers(
  parts: DependencyContainer,
  config: ProjectorConfig,
  projectors: Composed['projectors'],
): void {
  const { node } = config;
  parts.register(JobRunner, {
    useFactory: instanceCachingFactory((from) => {
      const store = from.resolve<EventStore>(EVENT_STORE);
      const clock = from.resolve<Clock>(CLOCK);
      const catalog = from.resolve(Catalog);
      const jobs = {
        replay: replay(projectors.local),
        'directory-deletion': directoryDeletion({
          store,
          catalog,
          clock,
          commands: new CommandHandler({ store, clock }),
        }),
        'retry-all': retryAll({ store, catalog, clock }),
        ...driftJobs(from, config, projectors),
      };
      const log = from.resolve<Logger>(LOGGER);
      return new JobRunner({ store, catalog, clock, log, jobs }, { node });
    }),
  });
  parts.register(Heartbeat, {
    useFactory: instanceCachingFactory((from) => {
      const clock = from.resolve<Clock>(CLOCK);
      const log = from.resolve<Logger>(LOGGER);
      const disks = Object.fromEntries(
        from.resolve<readonly WatchedDisk[]>(DISKS).map(({ name, guard }) => [name, guard]),
      );
      return new Heartbeat(
        {
          store: from.resolve(EVENT_STORE),
          clock,
          readState: () =>
            readNodeState({
              projectors,
              purging: from.resolve(Purging),
              alerts: from.resolve(Alerts),
              disks,
              log,
            }),
          onTrouble: ({ code, message }) => {
            log.warn({ code }, `no report of this node: ${message}`);
          },
        },
        { node, version: readVersion(), runtime: `node ${process.versions.node}` },
      );
    }),
  });
  const running = [projectors.local, projectors.cdn, projectors.drift].filter(
    (projector) => projector !== null,
  );
  parts.register<ConditionWatch>(CONDITION_WATCH, {
    useFactory: instanceCachingFactory((from) =>
      watchConditions(
        {
          board: from.resolve(Alerts),
          store: from.resolve(EVENT_STORE),
          catalog: from.resolve(Catalog),
          mode: from.resolve(ModeWatch),
          clock: from.resolve(CLOCK),
          log: from.resolve<Logger>(LOGGER),
          // Where a node has two processes, this is for the one that writes its files.
          disks: projectors.local === null ? [] : from.resolve<readonly WatchedDisk[]>(DISKS),
          statuses: () => running.map((projector) => projector.status()),
          scans: projectors.drift === null ? [] : scanSchedules(config),
          purging: from.resolve(Purging),
          cdnLock: from.resolve(Holding),
        },
        { node, process: processName(config) },
      ),
    ),
  });
}

async function startAll(
  parts: DependencyContainer,
  closers: (() => void | Promise<void>)[],
  config: ProjectorConfig,
  { local, cdn, drift }: Composed['projectors'],
): Promise<void> {
  const store = parts.resolve<EventStore>(EVENT_STORE);
  const mismatch = await findMismatch({
    dataDir: config.dataDir,
    store,
    reader: parts.resolve<ContentReader>(CONTENT_READER),
  });
  // Like a report, an alert would move the head of a log that was restored from an older backup.
  if (mismatch === null) parts.resolve(Alerts).recordIn(store);
  if (local !== null) {
    closers.push(() => local.close());
    await local.start();
  }
  if (cdn !== null) {
    closers.push(() => parts.resolve(Failover).close());
    closers.push(() => cdn.close());
    if (mismatch === null) cdn.start();
    else cdn.refuse(mismatch);
  }
  // One process of a node runs its jobs: the one that alone may replay.
  if (local !== null && mismatch === null) {
    const jobs = parts.resolve(JobRunner);
    closers.push(() => jobs.close());
    jobs.start();
  }
  if (drift !== null) {
    closers.push(() => drift.close());
    if (mismatch === null) drift.start();
    else drift.refuse(mismatch);
  }
  const conditions = parts.resolve<ConditionWatch>(CONDITION_WATCH);
  closers.push(() => conditions.close());
  conditions.start();
  // A report would move the head of a log that was restored from an older backup, until it looks whole again.
  if (mismatch !== null) return;
  const heartbeat = parts.resolve(Heartbeat);
  closers.push(() => heartbeat.close());
  await heartbeat.start();
}

/** A process with nothing else to do opens nothing before it is its turn. */
async function standByForCdn(dataDir: string, clock: Clock, logger: Logger): Promise<Released> {
  const { signal } = new AbortController();
  const onWait = (reason: string): void => {
    logger.info(`The CDN projector stands by: ${reason}`);
  };
  return (await whenLocked(() => lockDataDirectory(dataDir, 'cdn'), { clock, signal, onWait }))!;
}

function createPurger(config: ProjectorConfig, clock: Clock): Purger | null {
  const { purge, cloudflareApiToken, corsOrigins } = config;
  if (purge.kind === 'none' || cloudflareApiToken === null) return null;
  const origins = corsOrigins === '*' ? [] : corsOrigins;
  return new CloudflarePurger({ zone: purge.zone, token: cloudflareApiToken, origins, clock });
}

function watchedDisks(
  { dataDir, diskMinFree: minFree }: ProjectorConfig,
  logDirectory: string,
  reserves: Reserves,
  clock: Clock,
): WatchedDisk[] {
  const guard = (path: string): DiskGuard => new DiskGuard({ path, minFree, clock });
  const data = { name: 'data', guard: guard(dataDir), reserve: reserves.data };
  if (reserves.log === reserves.data) return [data];
  return [data, { name: 'log', guard: guard(logDirectory), reserve: reserves.log }];
}

const catalogFile = (config: ProjectorConfig): string =>
  dataPaths(config.dataDir).catalog(processName(config));

/** Names what each process has of its own: the lock it took keeps others away. */
const processName = ({ projectors }: ProjectorConfig): string =>
  projectors.includes('local') ? 'projector' : 'projector-cdn';
