import 'reflect-metadata';
import { Catalog, openCatalog } from '@holdfast/catalog';
import {
  type Clock,
  CLOCK,
  CommandHandler,
  EVENT_STORE,
  type EventStore,
  LOG_BACKUP,
  type LogBackup,
  ModeWatch,
  systemClock,
  toHoldfastError,
} from '@holdfast/domain';
import { openEventStore } from '@holdfast/event-store';
import { Alerts, openAlerts, appendWithReserve, tellOfMismatch } from '@holdfast/health';
import { eventStorePlaceOf, reservedKeyBytes } from '@holdfast/settings';
import {
  type ContentReader,
  dataPaths,
  lockDataDirectory,
  openContentReader,
  prepareDataDirectory,
  findMismatch,
  holdsFilesOfALog,
  refuseMissingLog,
} from '@holdfast/storage';
import { dirname } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import pino from 'pino';
import { container, instanceCachingFactory } from 'tsyringe';
import { Tokens } from './access/tokens.ts';
import type { ApiServer, ApiSettings } from './api.ts';
import type { ApiConfig } from './config.ts';
import { CONSOLE_DIRECTORY } from './console/serve-console.ts';
import { Disks } from './disks.ts';
import { listen } from './listen.ts';
import { openWhileServing } from './open-while-serving.ts';
import { ProjectorWatch } from './projector-watch.ts';
import { buildServer } from './server.ts';
import { removeTemporaryFiles } from './temporary-file.ts';
import { watchConditions, watchWithoutLog } from './watch-conditions.ts';

export interface Overrides {
  readonly clock?: Clock;
  readonly logger?: FastifyBaseLogger;
  /** Already open; closed with the rest. */
  readonly store?: EventStore & LogBackup;
  readonly consoleDirectory?: string;
}

export interface Composed {
  readonly server: ApiServer;
  readonly logger: FastifyBaseLogger;
  /** @returns the URL it answers at. @throws PORT_IN_USE */
  readonly listen: () => Promise<string>;
  /** In the reverse order of opening. May be called more than once. */
  readonly close: () => Promise<void>;
  /** Resolves with the failure of a part that cannot go on: a damaged catalog is built again by a new start. */
  readonly broken: Promise<unknown>;
}

const CONTENT_READER = Symbol('ContentReader');
const LOGGER = Symbol('Logger');
const SETTINGS = Symbol('ApiSettings');
const SERVER = Symbol('ApiServer');

/**
 * Opens everything in order, each part usable before the next begins; what fails half-way closes what is open.
 * @throws DATA_DIR_UNUSABLE, DATA_DIR_IN_USE, LOG_MISMATCH, SCHEMA_TOO_NEW, DATABASE_CORRUPT, DISK_FULL
 */
export async function compose(config: ApiConfig, overrides: Overrides = {}): Promise<Composed> {
  const parts = container.createChildContainer();
  const closers: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    const logger = overrides.logger ?? pino({ level: config.logLevel, name: 'holdfast-api' });
    parts.registerInstance(LOGGER, logger);
    parts.registerInstance<Clock>(CLOCK, overrides.clock ?? systemClock);
    const paths = dataPaths(config.dataDir);
    const broken = Promise.withResolvers<unknown>();
    const onTrouble = (what: string) => (error: unknown) => {
      const { code, kind, message } = toHoldfastError(error);
      logger.warn({ code }, `${what} is in trouble: ${message}`);
      if (kind === 'fatal') broken.resolve(error);
    };

    const place = eventStorePlaceOf(config, paths);
    const { lowerCaseOnly } = prepareDataDirectory(config.dataDir);
    const lock = lockDataDirectory(config.dataDir, 'api');
    closers.push(() => {
      lock.release();
    });
    removeTemporaryFiles(config.dataDir);

    const tokens = config.tokensFile === null ? null : new Tokens(config.tokensFile, logger);
    closers.push(() => tokens?.close());
    const clock = parts.resolve<Clock>(CLOCK);
    const alerts = openAlerts(
      { file: paths.alerts('api'), actor: `api:${config.node}`, clock, log: logger },
      config,
    );
    closers.push(() => alerts.close());
    alerts.start();
    parts.registerInstance(Alerts, alerts);
    const subject = `${config.node}/api`;
    if (place.kind === 'sqlite') {
      await tellOfMismatch(alerts, subject, () => {
        refuseMissingLog(config.dataDir, place.file);
      });
    }
    const createIfMissing = !holdsFilesOfALog(config.dataDir);
    const open = () => openEventStore(place, { clock, createIfMissing });
    const logDirectory = place.kind === 'sqlite' ? dirname(place.file) : null;
    parts.register(Disks, {
      useFactory: instanceCachingFactory(
        () => new Disks({ dataDir: config.dataDir, logDirectory, minFree: config.diskMinFree, clock }),
      ),
    });
    const makeWatch = (log: Pick<EventStore, 'head'>) =>
      watchWithoutLog({
        board: alerts,
        store: log,
        disks: () => parts.resolve(Disks),
        clock,
        logger,
        node: config.node,
      });
    const opened =
      overrides.store ??
      (await openWhileServing(open, { config, pathRules: { lowerCaseOnly }, logger, makeWatch })).store;
    closers.push(() => opened.close());
    const disks = parts.resolve(Disks);
    const store = appendWithReserve(opened, disks.logReserve);
    parts.registerInstance<EventStore>(EVENT_STORE, store);
    parts.registerInstance<LogBackup>(LOG_BACKUP, store);

    const catalog = await openCatalog({ file: paths.catalog('api'), store, clock });
    closers.push(() => catalog.close());
    catalog.start(onTrouble('The catalog'));
    parts.registerInstance(Catalog, catalog);

    const reader = openContentReader({ dataDir: config.dataDir });
    closers.push(() => {
      reader.close();
    });
    parts.registerInstance<ContentReader>(CONTENT_READER, reader);

    const mismatch = await findMismatch({ dataDir: config.dataDir, store, reader });
    const alert = { code: 'LOG_MISMATCH', subject } as const;
    if (mismatch === null) {
      alerts.clear(alert, 'Data directory and log belong together again.');
      alerts.recordIn(store);
    } else {
      // In the log it would move the head of one that was restored from an older backup, until it looks whole again.
      const message = `${subject} publishes nothing. ${mismatch.message}`;
      alerts.raise({ ...alert, severity: 'critical', message, details: {} });
    }

    const modeWatch = new ModeWatch({ store, clock });
    closers.push(() => modeWatch.close());
    await modeWatch.start(onTrouble('The watch on the mode'));
    parts.registerInstance(ModeWatch, modeWatch);

    parts.registerInstance<ApiSettings>(SETTINGS, {
      ...config,
      consoleDirectory: overrides.consoleDirectory ?? CONSOLE_DIRECTORY,
      pathRules: { lowerCaseOnly },
      publishedPathRules: { lowerCaseOnly, reservedBytes: reservedKeyBytes(config.bucket) },
    });
    parts.register(ProjectorWatch, {
      useFactory: instanceCachingFactory(
        () =>
          new ProjectorWatch({
            store,
            catalog,
            modeWatch,
            clock,
            node: config.node,
            isDiskLow: () => disks.isDataLow(),
          }),
      ),
    });
    parts.register(CommandHandler, {
      useFactory: instanceCachingFactory(
        (from) => new CommandHandler({ store: from.resolve(EVENT_STORE), clock: from.resolve(CLOCK) }),
      ),
    });
    parts.register<ApiServer>(SERVER, {
      useFactory: instanceCachingFactory((from) =>
        buildServer(
          {
            store: from.resolve(EVENT_STORE),
            backup: from.resolve(LOG_BACKUP),
            clock: from.resolve(CLOCK),
            catalog: from.resolve(Catalog),
            modeWatch: from.resolve(ModeWatch),
            reader: from.resolve(CONTENT_READER),
            commands: from.resolve(CommandHandler),
            logger: from.resolve(LOGGER),
            disks: from.resolve(Disks),
            alerts: from.resolve(Alerts),
            projectorWatch: from.resolve(ProjectorWatch),
            tokens,
            mismatch,
          },
          from.resolve(SETTINGS),
        ),
      ),
    });
    const conditions = watchConditions({
      board: alerts,
      store,
      catalog,
      projectorWatch: parts.resolve(ProjectorWatch),
      disks,
      clock,
      logger,
      node: config.node,
    });
    closers.push(() => conditions.close());
    conditions.start();
    const server = parts.resolve<ApiServer>(SERVER);
    closers.push(() => server.close());
    await server.ready();
    return { server, logger, listen: () => listen(server, config), close, broken: broken.promise };
  } catch (error) {
    await close();
    throw error;
  }
}
