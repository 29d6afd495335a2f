import type { Catalog } from '@holdfast/catalog';
import type {
  Clock,
  CommandHandler,
  EventStore,
  HoldfastError,
  KindChecks,
  LogBackup,
  ModeSnapshot,
  ModeWatch,
  NodeUrls,
  PathRules,
} from '@holdfast/domain';
import type { Alerts } from '@holdfast/health';
import type { LogLevel, MaxRepairs } from '@holdfast/settings';
import type { ContentReader } from '@holdfast/storage';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access, Tokens } from './access/tokens.ts';
import type { Disks } from './disks.ts';
import type { ApiMetrics } from './metrics.ts';
import type { ProjectorWatch } from './projector-watch.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Taken when the request began; whatever the mode becomes meanwhile, its answer follows this one. */
    mode: ModeSnapshot;
    /** Null where there are no tokens, and on what is public. */
    access: Access | null;
  }
}

/** What the server works with; all of it open and following the log. */
export interface ApiPorts {
  readonly store: EventStore;
  readonly backup: LogBackup;
  readonly clock: Clock;
  readonly catalog: Catalog;
  readonly modeWatch: ModeWatch;
  readonly reader: ContentReader;
  readonly commands: CommandHandler;
  readonly logger: FastifyBaseLogger;
  readonly disks: Disks;
  /** Of this process. */
  readonly alerts: Alerts;
  readonly projectorWatch: ProjectorWatch;
  /** Null: none are asked for. */
  readonly tokens: Tokens | null;
  /** Set where the local files were made from another log, or from a later state of this one. */
  readonly mismatch: HoldfastError | null;
}

export interface ApiSettings {
  /** Absolute. */
  readonly dataDir: string;
  readonly node: string;
  /** Null: `http://<host>:<port>/content` once the port is known. */
  readonly localBaseUrl: string | null;
  readonly cdnBaseUrl: string | null;
  readonly urlVersion: boolean;
  readonly cacheControl: string;
  readonly corsOrigins: '*' | readonly string[];
  readonly kinds: KindChecks;
  /** Of the projectors, which run with the same settings. */
  readonly maxRepairs: MaxRepairs;
  readonly pathRules: PathRules;
  /** Of what is published from now on: it leaves room for the bucket's prefix. */
  readonly publishedPathRules: PathRules;
  readonly logLevel: LogLevel;
  /** Where the console was built to; it may not be there. */
  readonly consoleDirectory: string;
}

/** What every route gets. */
export interface Api extends ApiPorts {
  readonly settings: ApiSettings;
  readonly metrics: ApiMetrics;
  /** This node's base URLs; the local one is known once the server listens. */
  readonly urls: () => NodeUrls;
  /** @throws CATALOG_LAGGING while the catalog still reads what was in the log at the start */
  readonly requireCatalog: () => void;
  /**
   * To be asked before a command appends anything.
   * @throws CATALOG_LAGGING; LOG_MISMATCH where what is on disk was made from another log
   */
  readonly requireWritable: () => void;
}

export type ApiServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Who acts where there are no tokens. */
const NOBODY_NAMED = 'local';

/** Who gives the command. */
export const actorOf = ({ access }: Pick<FastifyRequest, 'access'>): string => access?.name ?? NOBODY_NAMED;
