import { type Environment, readSettings, type Settings } from '@holdfast/settings';

const NAMES = [
  'dataDir',
  'node',
  'eventStore',
  'eventStorePrefix',
  'bucket',
  's3Endpoint',
  's3Region',
  's3AccessKeyId',
  's3SecretAccessKey',
  's3ForcePathStyle',
  's3TimeoutMs',
  'cacheControl',
  'corsOrigins',
  'cdnBaseUrl',
  'urlVersion',
  'purge',
  'cloudflareApiToken',
  'projectors',
  'cdnConcurrency',
  'retryScheduleMs',
  'quickScan',
  'fullScan',
  'timezone',
  'maxRepairs',
  'diskMinFree',
  'failover',
  'smtpUrl',
  'alertTo',
  'alertFrom',
  'webhookUrl',
  'webhookSecret',
  'logLevel',
] as const;

export type ProjectorConfig = Readonly<Pick<Settings, (typeof NAMES)[number]>>;

/** @throws CONFIG_INVALID with every problem at once */
export const readConfig = (env: Environment = process.env): ProjectorConfig => readSettings(env, NAMES);
