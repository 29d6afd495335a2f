// Given what was replicated and how the CDN's API behaves: what is purged, and what waits?
import { CloudflarePurger } from '@holdfast/cdn';
import { type EventData, ModeWatch, type NewEvent, type ObjectStore, type Purger } from '@holdfast/domain';
// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- only specs import this file
import {
  LOG_ID,
  ManualClock,
  MemoryEventStore,
  MemoryObjectStore,
  newEvent,
  path,
  record,
} from '@holdfast/domain/testing';
// eslint-disable-next-line @nx/enforce-module-boundaries -- only specs import this file
import { type CloudflareApi, startCloudflareApi, waitFor } from '@holdfast/testing';
import { PURGED_KEY } from './purge-checkpoint.ts';
import { Purging, type PurgingSettings } from './purging.ts';

export const CDN = 'https://cdn.example.org/content';
const SHA_1 = '1'.repeat(64);
/** Less than a test may take, so that its message is seen. */
const DEADLINE_MS = 15_000;
const TOKEN = 'Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY';
const ZONE = '023e105f4ecef8ad9ca31a8372d0c353';

/** Knows whether somebody sleeps, so that time is moved on only when it is waited for. */
class ObservedClock extends ManualClock {
  readonly #wakeAt = new Set<{ readonly at: number }>();

  get isSlept(): boolean {
    const now = this.now().getTime();
    return [...this.#wakeAt].some(({ at }) => at > now);
  }

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const sleeper = { at: this.now().getTime() + ms };
    this.#wakeAt.add(sleeper);
    await super.sleep(ms, signal);
    this.#wakeAt.delete(sleeper);
  }
}

/** A log, a bucket and Cloudflare's API, over a real socket; processes that purge come and go. */
export class PurgingWorld {
  readonly clock: ObservedClock;
  readonly log = new MemoryEventStore();
  readonly bucket = new MemoryObjectStore();
  readonly api: CloudflareApi;
  readonly logged: string[] = [];
  #mode: ModeWatch | null = null;
  #purging: Purging | null = null;

  private constructor(api: CloudflareApi, clock: ObservedClock) {
    this.api = api;
    this.clock = clock;
  }

  static async open(options: { rate?: { files: number; perMs: number } } = {}): Promise<PurgingWorld> {
    const clock = new ObservedClock();
    const api = await startCloudflareApi({
      ...options,
      zone: ZONE,
      token: TOKEN,
      hosts: ['cdn.example.org'],
      now: () => clock.now().getTime(),
    });
    return new PurgingWorld(api, clock);
  }

  get purging(): Purging {
    if (this.#purging === null) throw new Error('Nothing purges.');
    return this.#purging;
  }

  /** A process starts: it knows what is in the log and the bucket, and nothing else. */
  async start(
    settings: Partial<PurgingSettings> = {},
    ports: { bucket?: Pick<ObjectStore, 'get' | 'put'>; purger?: Purger | null; timeoutMs?: number } = {},
  ): Promise<Purging> {
    const { clock, log: store } = this;
    this.#mode = new ModeWatch({ store, clock });
    await this.#mode.start((error) => this.logged.push(String(error)));
    const write = (_: object, message: string): void => {
      this.logged.push(message);
    };
    const { timeoutMs = 60_000 } = ports;
    const purger = new CloudflarePurger({
      zone: ZONE,
      token: { reveal: () => TOKEN },
      origins: [],
      clock,
      apiUrl: this.api.url,
      timeoutMs,
    });
    this.#purging = new Purging(
      {
        store,
        bucket: this.bucket,
        purger,
        mode: this.#mode,
        clock,
        log: { info: write, warn: write, error: write },
        ...ports,
      },
      { logId: LOG_ID, cdnBaseUrl: CDN, urlVersion: false, random: () => 1, ...settings },
    );
    this.#purging.start();
    return this.#purging;
  }

  /** Started, and at the end of the log. */
  async startAtEnd(...options: Parameters<PurgingWorld['start']>): Promise<Purging> {
    const purging = await this.start(...options);
    await waitFor('the checkpoint in the bucket', async () => (await this.checkpoint()) !== null);
    return purging;
  }

  async stop(): Promise<void> {
    await this.#purging?.close();
    await this.#mode?.close();
    this.#purging = this.#mode = null;
  }

  async dispose(): Promise<void> {
    this.api.heal();
    await this.stop();
    await this.log.close();
    await this.api.close();
  }

  async given(...events: readonly NewEvent[]): Promise<void> {
    await record(this.log, ...events);
  }

  /** Waits until so many cache keys were purged, and nothing is left. */
  async purged(count: number): Promise<readonly string[]> {
    await waitFor(
      () =>
        `${count} purged URLs (there are ${this.api.purged.length}; ${JSON.stringify(this.purging.status())})`,
      () => this.api.purged.length >= count && this.purging.status().pending === 0,
      DEADLINE_MS,
    );
    return this.api.purged;
  }

  /** Waits until the last attempt has failed with that code, and the next is waited for. */
  async resting(code: string): Promise<void> {
    await waitFor(
      () => `purging to wait for ${code} (${JSON.stringify(this.purging.status())})`,
      () => this.clock.isSlept && this.purging.status().reason?.startsWith(code) === true,
      DEADLINE_MS,
    );
  }

  /** Waits until so many calls have reached the API. */
  async called(count: number): Promise<void> {
    await waitFor(
      () => `${count} calls (there are ${this.api.calls.length})`,
      () => this.api.calls.length >= count,
      DEADLINE_MS,
    );
  }

  /** What the bucket says; null where it says nothing. */
  async checkpoint(): Promise<unknown> {
    if ((await this.bucket.head(PURGED_KEY)) === null) return null;
    return JSON.parse(Buffer.from((await this.bucket.get(PURGED_KEY)).body).toString());
  }
}

/** Lets everything happen that needs no time. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export const urlOf = (at: string): string => `${CDN}/${at}`;

export const replicated = (at: string, version = 0, changes: Partial<EventData<'ContentReplicated'>> = {}) =>
  newEvent({
    type: 'ContentReplicated',
    data: {
      path: path(at),
      version,
      action: 'put',
      sha256: SHA_1,
      etag: 'e',
      attempt: 1,
      durationMs: 1,
      ...changes,
    },
  });

export const replicatedDelete = (at: string, version: number) =>
  replicated(at, version, { action: 'delete', sha256: null, etag: null });

export const cdnAt = (cdnBaseUrl: string | null) =>
  newEvent({
    type: 'ModeChanged',
    data: {
      cdnEnabled: true,
      localFallback: false,
      pinned: false,
      cdnBaseUrl,
      localBaseUrl: null,
      cause: 'operator',
      reason: '',
    },
  });
