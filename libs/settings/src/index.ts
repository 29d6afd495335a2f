export { type EventStoreAddress, eventStoreAddress, eventStorePlaceOf, localBaseUrlOf } from './address.ts';
export { type BucketAddress, reservedKeyBytes } from './bucket-address.ts';
export { describeSettings, type SettingDescription } from './describe-settings.ts';
export { type PurgeAddress } from './purge-address.ts';
export { ALL_SETTINGS, type Environment, readSettings } from './read-settings.ts';
export { Secret } from './secret.ts';
export { type SettingUser } from './setting.ts';
export {
  LOG_LEVELS,
  type LogLevel,
  PROJECTOR_NAMES,
  type ProjectorName,
  type SettingName,
  type Settings,
} from './settings.ts';
export {
  createToken,
  formatTokenLine,
  hashToken,
  parseTokensFile,
  type Role,
  ROLES,
  type TokenEntry,
  tokenName,
} from './tokens-file.ts';
export { type DiskMinFree } from './size.ts';
export { allowedOrphans, type MaxRepairs } from './max-repairs.ts';
