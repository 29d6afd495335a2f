// Given a history and what lies on the local disk: what is in the bucket, and what was recorded?
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, openCatalog } from '@holdfast/catalog';
import {
  DEFAULT_RETRY_SCHEDULE_MS,
  type EventData,
  type EventOf,
  isPositionAtOrAfter,
  ModeWatch,
  type NewEvent,
  type ObjectStore,
  type Position,
} from '@holdfast/domain';
// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- only specs import this file
import {
  faultyAppends,
  FaultyObjectStore,
  LOG_ID,
  ManualClock,
  MemoryEventStore,
  MemoryObjectStore,
  newEvent,
  path,
  published as publishedBytes,
  record,
} from '@holdfast/domain/testing';
import { Alerts } from '@holdfast/health';
import type { RecordedFile } from '@holdfast/storage';
import { CdnProjector } from './cdn-projector.ts';
import { Purging } from './purging.ts';
import type { LocalFiles } from './replicate.ts';

const NODE = 'web-1';
const DEADLINE_MS = 15_000;
/** Catalogs are disposable, and some specs open hundreds: not on a disk where there is memory. */
const QUICK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** The local disk as the local projector would leave it, and what a test does to it. */
export class LocalDisk implements LocalFiles {
  readonly #recorded = new Map<string, RecordedFile>();
  readonly #files = new Map<string, Uint8Array>();
  readonly #listeners = new Set<() => void>();
  #checkpoint: Position | null = null;
  /** Set: the local projector stands still. */
  isHeld = false;

  materialise(
    event: NewEvent & { type: 'ContentPublished' | 'ContentDeleted' },
    version: number,
    position: Position,
  ) {
    const at = event.data.path;
    const place = { path: at, version, position };
    if (event.type === 'ContentPublished') {
      const { sha256, md5, bytes, contentType } = event.data;
      this.#recorded.set(at, { ...place, state: 'live', sha256, md5, bytes, contentType });
      this.#files.set(at, event.body ?? new Uint8Array());
    } else {
      const nothing = { sha256: null, md5: null, bytes: null, contentType: null };
      this.#recorded.set(at, { ...place, state: 'deleted', ...nothing });
      this.#files.delete(at);
    }
    this.#checkpoint = position;
    this.#tell();
  }

  /** Somebody changes the file (or removes it) behind everybody's back. */
  tamper(at: string, text: string | null): void {
    if (text === null) this.#files.delete(at);
    else this.#files.set(at, Buffer.from(JSON.stringify(text)));
    this.#tell();
  }

  recorded(at: string): RecordedFile | null {
    return this.#recorded.get(at) ?? null;
  }

  checkpoint(): Position | null {
    return this.#checkpoint;
  }

  openLive(at: string): ReturnType<LocalFiles['openLive']> {
    const bytes = this.#files.get(at);
    if (bytes === undefined) return null;
    return {
      identity: at,
      bytes: bytes.length,
      mtimeMs: 0,
      read: () => Uint8Array.from(bytes),
      close: () => undefined,
    };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

type Outcome = EventOf<'ContentReplicated' | 'ReplicationFailed' | 'ReplicationDeadLettered'>;

export class CdnWorld {
  readonly clock: ManualClock;
  readonly log: MemoryEventStore;
  readonly disk: LocalDisk;
  readonly memory: MemoryObjectStore;
  readonly bucket: FaultyObjectStore;
  readonly #directory = mkdtempSync(join(QUICK, 'holdfast-cdn-'));
  readonly #faultyLog: ReturnType<typeof faultyAppends>;
  readonly #isGuest: boolean;
  readonly #held: (NewEvent & { type: 'ContentPublished' | 'ContentDeleted' })[] = [];
  readonly logged: string[] = [];
  #concurrency = 4;
  #catalog: Catalog | null = null;
  #mode: ModeWatch | null = null;
  #alerts: Alerts | null = null;
  #projector: CdnProjector | null = null;
  #catalogs = 0;

  /**
   * @param wrap    what stands between the projector and its bucket
   * @param beside  shares clock, log, disk and bucket with it: two projectors at once
   */
  constructor(
    wrap: (bucket: ObjectStore, clock: ManualClock) => ObjectStore = (bucket) => bucket,
    beside?: CdnWorld,
  ) {
    this.#isGuest = beside !== undefined;
    this.clock = beside?.clock ?? new ManualClock();
    this.log = beside?.log ?? new MemoryEventStore();
    this.disk = beside?.disk ?? new LocalDisk();
    this.memory = beside?.memory ?? new MemoryObjectStore();
    this.bucket = new FaultyObjectStore(wrap(this.memory, this.clock));
    this.#faultyLog = faultyAppends(this.log);
  }

  get failAppend() {
    return this.#faultyLog.failAppend;
  }

  /** Bucket and log work again. */
  heal(): void {
    this.bucket.heal();
    this.#faultyLog.heal();
  }

  get projector(): CdnProjector {
    if (this.#projector === null) throw new Error('The projector is not running.');
    return this.#projector;
  }

  get catalog(): Catalog {
    if (this.#catalog === null) throw new Error('The projector is not running.');
    return this.#catalog;
  }

  /** Appends; content reaches the local disk too, unless that is held. */
  async given(...events: readonly NewEvent[]): Promise<this> {
    for (const event of events) {
      const [appended] = await record(this.log, event);
      if (event.type !== 'ContentPublished' && event.type !== 'ContentDeleted') continue;
      if (this.disk.isHeld) this.#held.push(event);
      else this.disk.materialise(event, appended!.version, appended!.position);
    }
    return this;
  }

  /** The local projector catches up. */
  async releaseDisk(): Promise<void> {
    this.disk.isHeld = false;
    for (const event of this.#held.splice(0)) {
      // Idempotent by id: the answer of the first append.
      const [appended] = await record(this.log, event);
      this.disk.materialise(event, appended!.version, appended!.position);
    }
  }

  /** A process starts: it knows what is in the log, and nothing else. */
  async start(
    options: {
      concurrency?: number;
      schedule?: readonly number[];
      random?: () => number;
    } = {},
  ): Promise<this> {
    const { clock } = this;
    const store = this.#faultyLog.store;
    this.#concurrency = options.concurrency ?? this.#concurrency;
    this.#catalogs += 1;
    const file = join(this.#directory, `catalog-${this.#catalogs}.db`);
    this.#catalog = await openCatalog({ file, store: this.log, clock });
    this.#catalog.start((error) => this.logged.push(String(error)));
    await this.#catalog.caughtUp();
    this.#mode = new ModeWatch({ store: this.log, clock });
    await this.#mode.start((error) => this.logged.push(String(error)));
    const write = (_: object, message: string): void => {
      this.logged.push(message);
    };
    this.#alerts = new Alerts({
      file: join(this.#directory, 'alerts.db'),
      actor: `projector:${NODE}`,
      notifiers: [],
      clock,
      log: { info: write, warn: write, error: write },
    });
    this.#alerts.start();
    this.#alerts.recordIn(store);
    this.#projector = new CdnProjector(
      {
        store,
        catalog: this.#catalog,
        content: this.disk,
        bucket: this.bucket,
        purging: new Purging(
          {
            store,
            bucket: this.bucket,
            purger: null,
            mode: this.#mode,
            clock,
            log: { info: write, warn: write, error: write },
          },
          { logId: LOG_ID, cdnBaseUrl: null, urlVersion: false },
        ),
        mode: this.#mode,
        alerts: this.#alerts,
        clock,
        random: options.random ?? (() => 0),
        log: { info: write, warn: write, error: write },
      },
      {
        node: NODE,
        logId: LOG_ID,
        concurrency: this.#concurrency,
        retryScheduleMs: options.schedule ?? DEFAULT_RETRY_SCHEDULE_MS,
        cacheControl: 'public, max-age=60',
      },
    );
    this.#projector.start();
    return this;
  }

  async stop(): Promise<void> {
    await this.#projector?.close();
    await this.#alerts?.close();
    await this.#mode?.close();
    await this.#catalog?.close();
    this.#projector = this.#alerts = this.#mode = this.#catalog = null;
  }

  async dispose(): Promise<void> {
    await this.stop();
    if (!this.#isGuest) await this.log.close();
    rmSync(this.#directory, { recursive: true });
  }

  /** Nothing is due now that could be done. */
  async settled(): Promise<this> {
    await until('nothing to be due', async () => {
      await this.catalog.caughtUp();
      return (
        this.catalog.replicationsDue({ now: this.clock.now(), limit: 1, exclude: new Set() }).length === 0
      );
    });
    return this;
  }

  /** What every object says. */
  async objects(): Promise<Record<string, string>> {
    const { objects } = await this.memory.list({ prefix: '', after: null, maxCount: 1_000 });
    const texts: Record<string, string> = {};
    for (const { key } of objects)
      texts[key] = String(JSON.parse(Buffer.from((await this.memory.get(key)).body).toString()));
    return texts;
  }

  /** What was recorded of a path, as `type attempt`. */
  async outcomes(at: string): Promise<string[]> {
    const events = await this.log.readStream(`replication-${at}`, { maxCount: 1_000 });
    return events.map((event) => {
      if (event.type === 'ReplicationDeadLettered') return `dead letter after ${event.data.attempts}`;
      if (event.type === 'ReplicationRetryRequested') return 'retry requested';
      const { action, attempt, version } = (event as Outcome & { data: { attempt: number } }).data;
      const what = event.type === 'ContentReplicated' ? action : `failed ${action}`;
      return `${what} of version ${version}, attempt ${attempt}`;
    });
  }

  async lastOutcome(at: string): Promise<Outcome | undefined> {
    const events = await this.log.readStream(`replication-${at}`, { direction: 'backwards', maxCount: 1 });
    return events[0] as Outcome | undefined;
  }

  /** Waits until so many outcomes of a path are recorded, and the catalog knows. */
  async recorded(at: string, count: number): Promise<void> {
    await until(`${count} outcomes of ${at}`, async () => (await this.outcomes(at)).length >= count);
    await this.catalog.caughtUp();
  }

  async isKnown(position: Position): Promise<boolean> {
    return Promise.resolve(isPositionAtOrAfter(this.catalog.checkpoint, position));
  }
}

/** A document that says `text`. */
export const published = (at: string, text: string) => publishedBytes(at, JSON.stringify(text));

export const modeChanged = (changes: Partial<EventData<'ModeChanged'>>) =>
  newEvent({
    type: 'ModeChanged',
    data: {
      cdnEnabled: true,
      localFallback: false,
      pinned: false,
      cdnBaseUrl: null,
      localBaseUrl: null,
      cause: 'operator',
      reason: '',
      ...changes,
    },
  });

export const retryRequested = (at: string, version: number) =>
  newEvent({ type: 'ReplicationRetryRequested', data: { path: path(at), version } });

/** Waits for a condition; turns of the event loop, not time, pass meanwhile. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited ${DEADLINE_MS} ms for ${what}.`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
