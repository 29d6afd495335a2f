import { readSettings, type Settings } from '@holdfast/settings';

export interface CliConfig {
  /** Base URL of the API, without a trailing slash. */
  readonly url: string;
  /** Headers that say who asks. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the product on this machine has its files, and where its settings say the log is. */
  readonly product: Pick<Settings, 'dataDir' | 'eventStore' | 'eventStorePrefix'>;
  /** A person asked for no colours (https://no-color.org). */
  readonly noColour: boolean;
}

/** @throws CONFIG_INVALID with every problem at once */
export function readConfig(env: NodeJS.ProcessEnv = process.env): CliConfig {
  const { url, token, ...product } = readSettings(env, [
    'url',
    'token',
    'dataDir',
    'eventStore',
    'eventStorePrefix',
  ]);
  return {
    product,
    url,
    headers: token === null ? {} : { authorization: `Bearer ${token.reveal()}` },
    noColour: Boolean(env.NO_COLOR),
  };
}
