import 'reflect-metadata';
import { Catalog, openCatalog } from '@holdfast/catalog';
import { CloudflarePurger } from '@holdfast/cdn';
import {
  type Clock,
  CLOCK,
  CommandHandler,
  EVENT_STORE,
  type EventStore,
  type HeldLock,
  type LockKeeper,
  type LockName,
  ModeWatch,
  OBJECT_STORE,
  type ObjectStore,
  type Purger,
  systemClock,
  type TakeLock,
  toHoldfastError,
} from '@holdfast/domain';
import { openEventStore } from '@holdfast/event-store';
import {
  Alerts,
  openAlerts,
  appendWithReserve,
  DiskGuard,
  Heartbeat,
  type ConditionWatch,
  openReserves,
  type Reserves,
  tellOfMismatch,
  type WatchedDisk,
} from '@holdfast/health';
import { eventStorePlaceOf } from '@holdfast/settings';
import {
  type ContentReader,
  dataPaths,
  lockDataDirectory,
  lockNodeName,
  openContentReader,
  prepareDataDirectory,
  findMismatch,
  holdsFilesOfALog,
  refuseMissingLog,
} from '@holdfast/storage';
import { dirname } from 'node:path';
import { pino, type Logger } from 'pino';
import { container, type DependencyContainer, instanceCachingFactory } from 'tsyringe';
import { CdnDuty, type CdnWork } from './cdn/cdn-duty.ts';
import { CdnProjector } from './cdn/cdn-projector.ts';
import { Purging } from './cdn/purging.ts';
import type { ProjectorConfig } from './config.ts';
import { DriftProjector } from './drift/drift-projector.ts';
import { restoreFromQuarantine } from './drift/restore-job.ts';
import { scanJob } from './drift/scan-job.ts';
import { Failover } from './failover/failover.ts';
import { directoryDeletion } from './jobs/directory-deletion.ts';
import { JobRunner } from './jobs/job-runner.ts';
import { replay } from './jobs/replay.ts';
import { retryAll } from './jobs/retry-all.ts';
import { LocalProjector } from './local/local-projector.ts';
import { readNodeState } from './node-state.ts';
import { openBucket } from './open-bucket.ts';
import { claimName } from './runtime/claim-name.ts';
import { whenFree } from './runtime/lock-holder.ts';
import { readVersion } from './version.ts';
import type { ScanSchedule } from './watch/look-at-scans.ts';
import { scanSchedules } from './watch/scan-schedules.ts';
import { watchConditions, type WatchPorts } from './watch/watch-conditions.ts';

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
    readonly cdn: CdnDuty | null;
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
const LOCKS = Symbol('Locks');
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
      cdn: runs('cdn') ? parts.resolve(CdnDuty) : null,
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
  const isLocal = config.projectors.includes('local');
  const lock = isLocal ? fileLock(dataDir, 'local') : await standByForCdn(dataDir, clock, logger);
  closers.push(() => lock.release());
  const alerts = openAlerts(
    { file: paths.alerts(processName(config)), actor: `projector:${config.node}`, clock, log: logger },
    config,
  );
  closers.push(() => alerts.close());
  alerts.start();
  parts.registerInstance(Alerts, alerts);
  const place = eventStorePlaceOf(config, paths);
  if (overrides.store === undefined && place.kind === 'sqlite') {
    await tellOfMismatch(alerts, `${config.node}/${processName(config)}`, () => {
      refuseMissingLog(dataDir, place.file);
    });
  }
  const createIfMissing = !holdsFilesOfALog(dataDir);
  const { store: opened, locks } =
    overrides.store === undefined
      ? await openEventStore(place, { clock, createIfMissing })
      : { store: overrides.store, locks: null };
  closers.push(() => opened.close());
  parts.registerInstance<LockKeeper>(LOCKS, locks ?? locksOfOneMachine(config));
  const { node } = config;
  const name = await claimName({ node, lock: takeLock(parts, `node-${node}`), clock, log: logger });
  closers.push(() => name.close());
  const logDirectory = place.kind === 'sqlite' ? dirname(place.file) : null;
  const reserves = openReserves({ dataDirectory: dataDir, logDirectory, clock });
  parts.registerInstance<Reserves>(RESERVES, reserves);
  parts.registerInstance<readonly WatchedDisk[]>(DISKS, watchedDisks(config, logDirectory, reserves, clock));
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
  const { dataDir } = config;
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
  parts.register(CdnDuty, {
    useFactory: instanceCachingFactory(
      (from) =>
        new CdnDuty({
          lock: takeLock(from, 'cdn'),
          catalog: from.resolve(Catalog),
          clock: from.resolve(CLOCK),
          log: from.resolve<Logger>(LOGGER).child({ projector: 'cdn' }),
          makeWork: () => makeCdnWork(from, config),
        }),
    ),
  });
}

/** For each time that the lock is held anew. */
function makeCdnWork(from: DependencyContainer, config: ProjectorConfig): CdnWork {
  from.resolve(Alerts).takeOver();
  const { node, cdnBaseUrl, urlVersion } = config;
  const store = from.resolve<EventStore>(EVENT_STORE);
  const clock = from.resolve<Clock>(CLOCK);
  const bucket = from.resolve<ObjectStore>(OBJECT_STORE);
  const mode = from.resolve(ModeWatch);
  const logId = from.resolve<string>(LOG_ID);
  const log = (projector: string): Logger => from.resolve<Logger>(LOGGER).child({ projector });
  const purging = new Purging(
    { store, bucket, purger: createPurger(config, clock), mode, clock, log: log('purge') },
    { logId, cdnBaseUrl, urlVersion },
  );
  const projector = new CdnProjector(
    {
      store,
      catalog: from.resolve(Catalog),
      content: from.resolve(CONTENT_READER),
      bucket,
      purging,
      mode,
      alerts: from.resolve(Alerts),
      clock,
      log: log('cdn'),
      ...(config.projectors.includes('local')
        ? { countLocalPending: () => from.resolve(LocalProjector).status().pending }
        : {}),
    },
    {
      node,
      logId,
      concurrency: config.cdnConcurrency,
      retryScheduleMs: config.retryScheduleMs,
      cacheControl: config.cacheControl,
    },
  );
  const failover =
    config.failover === 'auto'
      ? new Failover(
          { store, clock, commands: new CommandHandler({ store, clock }), mode, log: log('failover') },
          { node, logId, cdnBaseUrl },
        )
      : null;
  return { projector, purging, failover };
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
            lock: (kind) => takeLock(from, `drift-${kind}`),
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
  const catalog = from.resolve(Catalog);
  const store = from.resolve<EventStore>(EVENT_STORE);
  const restore = restoreFromQuarantine({ local, store, catalog, clock, dataDir });
  if (drift === null) return { 'quarantine-restore': restore };
  const scan = scanJob({
    store,
    catalog,
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
  const { node, failover, cdnBaseUrl } = config;
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
      const inheritsJobs = (): boolean => projectors.cdn?.isHeld ?? false;
      return new JobRunner({ store, catalog, clock, log, jobs, inheritsJobs }, { node });
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
          scans: watchedScans(config, projectors),
          cdn: projectors.cdn ?? NO_CDN,
          onDeputy: () => {
            from.resolve(Alerts).takeOver();
          },
        },
        { node, process: processName(config), failover, cdnBaseUrl },
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
  // No scan of this node will ever find it gone.
  if (mismatch === null && drift === null) {
    const alert = { code: 'DRIFT_FOUND', subject: config.node } as const;
    parts.resolve(Alerts).clear(alert, 'This node makes no scans any more.');
  }
  if (local !== null) {
    closers.push(() => local.close());
    await local.start();
  }
  if (cdn !== null) {
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
async function standByForCdn(dataDir: string, clock: Clock, logger: Logger): Promise<HeldLock> {
  const { signal } = new AbortController();
  let told = '';
  const onWait = (why: string): void => {
    if (why !== told) logger.info(`The CDN projector stands by: ${why}`);
    told = why;
  };
  const lock = (): Promise<HeldLock> => Promise.resolve(fileLock(dataDir, 'cdn'));
  return (await whenFree({ lock, clock, signal, onWait }))!;
}

const takeLock =
  (from: DependencyContainer, name: LockName): TakeLock =>
  () =>
    from.resolve<LockKeeper>(LOCKS).takeLock(name);

/** @throws DATA_DIR_IN_USE */
function fileLock(dataDir: string, name: 'local' | 'cdn'): HeldLock {
  return keptBySystem(lockDataDirectory(dataDir, name));
}

function keptBySystem(held: { release(): void }): HeldLock {
  const release = (): Promise<void> => {
    held.release();
    return Promise.resolve();
  };
  return { lost: new AbortController().signal, release };
}

/**
 * Where one machine has the log for itself. Whoever has the local lock is the only one to scan; whoever has not, has the
 * CDN lock already.
 */
const locksOfOneMachine = ({ dataDir, node, projectors }: ProjectorConfig): LockKeeper => ({
  takeLock: async (name) => {
    if (name === `node-${node}`) return await Promise.resolve(keptBySystem(lockNodeName(dataDir, node)));
    if (name === 'cdn' && projectors.includes('local')) return fileLock(dataDir, 'cdn');
    return ALWAYS_HELD;
  },
});

const ALWAYS_HELD: HeldLock = { lost: new AbortController().signal, release: () => Promise.resolve() };

const NO_CDN: WatchPorts['cdn'] = {
  isHeld: false,
  purgingStatus: () => ({ state: 'off', reason: null, pending: 0, oldestPendingAt: null, refused: 0 }),
};

function createPurger(config: ProjectorConfig, clock: Clock): Purger | null {
  const { purge, cloudflareApiToken, corsOrigins } = config;
  if (purge.kind === 'none' || cloudflareApiToken === null) return null;
  const origins = corsOrigins === '*' ? [] : corsOrigins;
  return new CloudflarePurger({ zone: purge.zone, token: cloudflareApiToken, origins, clock });
}

function watchedDisks(
  { dataDir, diskMinFree: minFree }: ProjectorConfig,
  logDirectory: string | null,
  reserves: Reserves,
  clock: Clock,
): WatchedDisk[] {
  const guard = (path: string): DiskGuard => new DiskGuard({ path, minFree, clock });
  const data: WatchedDisk = { name: 'data', guard: guard(dataDir), reserve: reserves.data };
  if (logDirectory === null || reserves.log === reserves.data) return [data];
  return [data, { name: 'log', guard: guard(logDirectory), reserve: reserves.log }];
}

/** The process that writes a node's files is the one that scans them; one without a schedule is not missed. */
const watchedScans = (config: ProjectorConfig, { local, drift }: Composed['projectors']): ScanSchedule[] =>
  local === null
    ? []
    : scanSchedules(drift === null ? { ...config, quickScan: null, fullScan: null } : config);

const catalogFile = (config: ProjectorConfig): string =>
  dataPaths(config.dataDir).catalog(processName(config));

/** Names what each process has of its own: the lock it took keeps others away. */
const processName = ({ projectors }: ProjectorConfig): string =>
  projectors.includes('local') ? 'projector' : 'projector-cdn';
