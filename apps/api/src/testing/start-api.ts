import type { Clock, LogEntry, LogPage, NewEvent, Position } from '@holdfast/domain';
import { newEventId, systemClock } from '@holdfast/domain';
import { openEventStore } from '@holdfast/event-store';
import { eventStorePlaceOf, Secret } from '@holdfast/settings';
import { dataPaths } from '@holdfast/storage';
import { request } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { compose, type Composed, type Overrides } from '../compose.ts';
import { type ApiConfig, readConfig } from '../config.ts';
// eslint-disable-next-line @nx/enforce-module-boundaries -- only specs import this file
import { testEventStore } from '@holdfast/testing';
import { LocalFiles } from './local-files.ts';

export const NODE = 'test-node';
export const CDN = 'https://cdn.example/content';

const JSON_TYPE = { 'content-type': 'application/json' };

/** The whole API over a data directory of its own, with a real log, catalog and files. */
export interface TestApi extends Composed {
  readonly dataDir: string;
  inject(options: InjectOptions): Promise<Answer>;
  get(url: string, headers?: Record<string, string>): Promise<Answer>;
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A command with a JSON body. */
  send(method: 'PUT' | 'POST', url: string, body: unknown): Promise<Answer>;
  delete(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** The lines of a batch and what it answers. */
  batch(lines: readonly unknown[], query?: string): Promise<{ status: number; results: unknown[] }>;
  /** All events of the log but its first. */
  events(): Promise<LogEntry[]>;
  /** Appends as another process would, and waits until the API knows. */
  append(stream: string, event: Pick<NewEvent, 'type' | 'data'>, at?: string): Promise<string>;
  /** What a local projector has written. */
  readonly files: LocalFiles;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | number | undefined>;
  readonly body: Buffer;
  readonly json: Record<string, unknown>;
}

export async function startApi(
  options: {
    config?: Partial<ApiConfig>;
    overrides?: Overrides;
    dataDir?: string;
    clock?: Clock;
    token?: string;
  } = {},
): Promise<TestApi> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'holdfast-api-'));
  const config: ApiConfig = {
    ...readConfig({ HOLDFAST_NODE: NODE, HOLDFAST_LOG_LEVEL: 'silent', HOLDFAST_PORT: '0' }),
    cdnBaseUrl: CDN,
    diskMinFree: { percent: null, bytes: 1 },
    ...logSettings(dataDir),
    ...options.config,
    dataDir,
  };
  const api = await compose(config, options.overrides);
  const paths = dataPaths(dataDir);
  const clock = options.clock ?? systemClock;
  const { store: other } = await openEventStore(eventStorePlaceOf(config, paths), {
    clock,
    createIfMissing: false,
  });
  const files = new LocalFiles(dataDir, await other.identity());
  const inject = async (injected: InjectOptions): Promise<Answer> => {
    const known = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
    const response = await api.server.inject({ ...injected, headers: { ...known, ...injected.headers } });
    const isJson = String(response.headers['content-type']).includes('json');
    return {
      status: response.statusCode,
      headers: response.headers,
      body: response.rawPayload,
      json: isJson && response.body.startsWith('{') ? parseFirst(response.body) : {},
    };
  };
  await eventually(
    () => inject({ url: '/v1/jobs' }),
    ({ status }) => status === 200,
  );
  const asBody = (body: unknown): string | Buffer =>
    typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return {
    ...api,
    dataDir,
    files,
    inject,
    get: (url, headers = {}) => inject({ method: 'GET', url, headers }),
    put: (path, body, headers = {}) =>
      inject({
        method: 'PUT',
        url: `/v1/content/${path}`,
        headers: { ...JSON_TYPE, ...headers },
        payload: asBody(body),
      }),
    send: (method, url, body) => inject({ method, url, headers: JSON_TYPE, payload: asBody(body) }),
    delete: (path, headers = {}) => inject({ method: 'DELETE', url: `/v1/content/${path}`, headers }),
    batch: async (lines, query = '') => {
      const payload = lines
        .map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
        .join('\n');
      const { status, body } = await inject({
        method: 'POST',
        url: `/v1/batch${query}`,
        headers: { 'content-type': 'application/x-ndjson' },
        payload,
      });
      return { status, results: parseLines(body.toString()) };
    },
    events: async () => {
      const events: LogEntry[] = [];
      for (let after: Position | null = null; ;) {
        const page: LogPage = await other.readLog({ after, maxCount: 1_000 });
        events.push(...page.events);
        if (page.isEnd) return events.slice(1);
        after = page.next;
      }
    },
    append: async (stream, event, at = clock.now().toISOString()) => {
      const metadata = { correlationId: 'other', causationId: 'other', actor: 'projector:test-node', at };
      const { position } = await other.append(
        stream,
        [{ ...event, id: newEventId(), metadata } as NewEvent],
        'any',
      );
      await eventually(
        async () => (await inject({ url: '/v1/health' })).json,
        (health) => String((health['catalog'] as { checkpoint: string }).checkpoint) >= position,
      );
      return position;
    },
    close: async () => {
      await api.close();
      await other.close();
      files.close();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** On the log that the suites run on. */
export function logSettings(dataDir: string): Partial<Pick<ApiConfig, 'eventStore' | 'eventStorePrefix'>> {
  const store = testEventStore(dataDir);
  return store.kind === 'sqlite'
    ? {}
    : { eventStore: { kind: 'esdb', url: new Secret(store.url) }, eventStorePrefix: store.streamPrefix };
}

const parseFirst = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
};

export const parseLines = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);

/** Asks again until the answer is as wanted. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  isAsWanted: (value: T) => boolean,
): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const value = await ask();
    if (isAsWanted(value)) return value;
    if (performance.now() > deadline) {
      throw new Error(`It did not come to what was waited for; last it was ${JSON.stringify(value)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A request over a real socket whose path is sent exactly as given: `fetch` would tidy it up. */
export function sendRaw(
  base: string,
  options: { method?: string; path: string; headers?: Record<string, string>; body?: string | Buffer },
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const { method = 'GET', path, headers = {} } = options;
    const sent = request({ hostname, port, method, path, headers, agent: false }, (response) => {
      response.toArray().then((chunks) => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks as Buffer[]),
        });
      }, reject);
    });
    sent.on('error', reject);
    sent.end(options.body);
  });
}
