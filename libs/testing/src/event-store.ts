import { createHash } from 'node:crypto';
import { join } from 'node:path';

// Not HOLDFAST_*: the product refuses those it does not know.
const KIND = 'TEST_EVENT_STORE';
const SERVER = 'TEST_ESDB';

/** As `openEventStore` takes it. */
export type TestEventStore =
  | { readonly kind: 'sqlite'; readonly file: string; readonly bellFile: string }
  | { readonly kind: 'esdb'; readonly url: string; readonly streamPrefix: string };

/**
 * Where the suites have their logs: in the data directory, or, with TEST_EVENT_STORE=esdb, on the server that TEST_ESDB
 * names. There each data directory has a log of its own, so nothing is assumed of what else lies on the server.
 */
export function testEventStore(dataDir: string, env: NodeJS.ProcessEnv = process.env): TestEventStore {
  if (!isOnServer(env)) {
    return { kind: 'sqlite', file: join(dataDir, 'events.db'), bellFile: join(dataDir, 'events.bell') };
  }
  const url = env[SERVER];
  if (!url) throw new Error(`${KIND}=esdb needs ${SERVER}, the URL of a server; see docs/testing.md.`);
  const streamPrefix = `test-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}-`;
  return { kind: 'esdb', url, streamPrefix };
}

/** The same for a process of the product. */
export function eventStoreEnvironment(dataDir: string): Record<string, string> {
  const store = testEventStore(dataDir);
  if (store.kind === 'sqlite') return {};
  return { HOLDFAST_EVENT_STORE: store.url, HOLDFAST_EVENT_STORE_PREFIX: store.streamPrefix };
}

/** For suites of what only the embedded log has, such as its file: they run where that is the log. */
export const hasEmbeddedLog = (): boolean => !isOnServer(process.env);

const isOnServer = (env: NodeJS.ProcessEnv): boolean => env[KIND] === 'esdb';
