import type { Setting, SettingUser } from './setting.ts';
import { SETTINGS } from './settings.ts';

export interface SettingDescription {
  /** Of the environment variable. */
  readonly name: string;
  /** In Markdown; in words where it is not one text everywhere. */
  readonly default: string;
  readonly description: string;
  readonly example: string;
  readonly usedBy: readonly SettingUser[];
}

/** What `docs/configuration.md` says; written from the same definitions the program reads. */
export const describeSettings = (): SettingDescription[] =>
  Object.values<Setting<unknown>>(SETTINGS).map(
    ({ variable, fallbackShown, description, example, usedBy }) => ({
      name: variable,
      default: fallbackShown,
      description,
      example,
      usedBy,
    }),
  );
