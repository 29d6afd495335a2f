import { type Environment, readSettings, type Settings } from '@holdfast/settings';

const NAMES = [
  'dataDir',
  'port',
  'host',
  'node',
  'eventStore',
  'eventStorePrefix',
  'bucket',
  'cdnBaseUrl',
  'localBaseUrl',
  'cacheControl',
  'corsOrigins',
  'urlVersion',
  'diskMinFree',
  'kinds',
  'maxRepairs',
  'smtpUrl',
  'alertTo',
  'alertFrom',
  'webhookUrl',
  'webhookSecret',
  'tokensFile',
  'logLevel',
] as const;

export type ApiConfig = Readonly<Pick<Settings, (typeof NAMES)[number]>>;

/** @throws CONFIG_INVALID with every problem at once */
export const readConfig = (env: Environment = process.env): ApiConfig => readSettings(env, NAMES);
