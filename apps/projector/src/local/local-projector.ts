import {
  type Clock,
  type ContentEvent,
  type EventData,
  type EventStore,
  followLog,
  HoldfastError,
  isPositionAtOrAfter,
  laterPosition,
  type LogEntry,
  type LogPage,
  type Position,
  type ReplayParameters,
  toHoldfastError,
  type UnreadableEvent,
} from '@holdfast/domain';
import { type FileOperations, flipTo, openLocalBell, trimGenerations } from '@holdfast/storage';
import { judgeFailure } from '../runtime/failure-policy.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { Turns } from '../runtime/turns.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { type BuildOptions, GenerationBuild, type ReplayProgress } from './build-generation.ts';
import type { DocumentWalk } from './collect-documents.ts';
import { openLiveGeneration, type OpenGeneration } from './live-generation.ts';
import { replayToDirectory } from './replay-to-directory.ts';
import { WaitingPaths } from './waiting-paths.ts';
import { CONTENT_FILTER, foldPage, type Wanted } from './wanted.ts';

export interface LocalProjectorPorts {
  readonly store: EventStore;
  readonly catalog: DocumentWalk;
  readonly clock: Clock;
  readonly dataDir: string;
  readonly logId: string;
  readonly log: ProjectorLog;
  /** Default: the file system. */
  readonly files?: FileOperations;
  /** So many paths may wait before no more events are taken in; default 4,096. */
  readonly maxWaiting?: number;
}

export interface ReplayOptions {
  readonly onProgress: (progress: ReplayProgress) => void;
  readonly signal: AbortSignal;
}

export type ProjectorStatus = EventData<'NodeReported'>['projectors'][number];

/** Generations kept beside the live one. */
const KEEP = 1;
const EVENTS_PER_PAGE = 1024;
const MAX_WAITING = 4096;
/** Tried again at a time, and after how long where none of them could be written. */
const RETRY_COUNT = 64;
const RETRY_BYTES = 8 * 1024 * 1024;
const RETRY_PAUSE_MS = 1_000;
/** A checkpoint that moved past events of others is stored now and then: losing it costs a little reading. */
const CHECKPOINT_EVERY_MS = 1_000;
/** A failure is logged when it is new, and then each so many attempts. */
const LOG_EVERY_ATTEMPTS = 50;

/**
 * Materialises the log as files on this machine: one instance per data directory, which the caller has locked.
 * It alone builds and flips generations. What goes wrong later never throws: `status` tells, and what may
 * pass is tried again.
 */
export class LocalProjector {
  readonly #ports: LocalProjectorPorts;
  readonly #bell: ReturnType<typeof openLocalBell>;
  readonly #stop = new AbortController();
  /** Whatever writes to the live generation or replaces it. */
  readonly #writing = new Turns();
  readonly #building = new Turns();
  readonly #changed = new Wakeup();
  #live: OpenGeneration | null = null;
  #waiting = WaitingPaths.none;
  /** Every content event up to here was handed to the live generation: it is done, or waits. */
  #handled: Position | null = null;
  #inHand: { count: number; oldestAt: string | null } = { count: 0, oldestAt: null };
  #state: { state: ProjectorStatus['state']; reason: string | null } = { state: 'starting', reason: null };
  /** Why the last attempt to go on failed; null once one succeeded. */
  #trouble: HoldfastError | null = null;
  #storedAt = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: LocalProjectorPorts) {
    this.#ports = ports;
    this.#bell = openLocalBell(ports.dataDir);
  }

  /**
   * Looks at what is there, and goes on from it in the background; builds a generation where none can be
   * used. Resolves once that is known, with `status` saying `stopped` where nothing may be written.
   */
  async start(): Promise<void> {
    const first = await this.#tryToOpen();
    this.#running = this.#run(first).catch((error: unknown) => {
      this.#giveUp(error);
    });
  }

  /** Ends after the work in hand; what is unfinished is taken up by the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#changed.wake();
    await this.#running;
    await this.#building.take(() => Promise.resolve());
    await this.#writing.take(() => Promise.resolve(this.#storeCheckpoint()));
    this.#live?.index.close();
    this.#live = null;
    this.#bell.close();
  }

  status(): ProjectorStatus {
    const pending = this.#waiting.size + this.#inHand.count;
    const since = [this.#waiting.oldestSince(), this.#inHand.oldestAt].filter((at) => at !== null).sort();
    return {
      name: 'local',
      ...this.#stateNow(),
      checkpoint: this.#checkpoint(),
      pending,
      oldestPendingAt: since[0] ?? null,
    };
  }

  /** Resolves once everything that was in the log when asked is on disk, or the projector has stopped. */
  async caughtUp(): Promise<void> {
    const head = await this.#ports.store.head();
    while (!this.#stop.signal.aborted && this.#state.state !== 'stopped') {
      if (this.#state.state === 'running' && isPositionAtOrAfter(this.#checkpoint(), head)) return;
      await this.#changed.next(this.#stop.signal);
    }
  }

  /**
   * Builds the tree again from the log: as the next generation, which becomes the live one, or, as it was at a
   * moment or a part of it, in a directory elsewhere. Publishing goes on. May be called again after a
   * crash; rejects with an `AbortError` when the signal aborts.
   * @returns counts: documents, previous versions, bytes, and the generation's number
   * @throws EVENT_UNREADABLE, OUT_DIRECTORY_INVALID, REQUEST_INVALID, LOG_MISMATCH, SCHEMA_TOO_NEW, DISK_FULL,
   *         STORAGE_UNAVAILABLE, EVENT_STORE_UNAVAILABLE
   */
  async replay(parameters: ReplayParameters, options: ReplayOptions): Promise<Record<string, number>> {
    const signal = AbortSignal.any([options.signal, this.#stop.signal]);
    while (this.#state.state === 'starting' && !signal.aborted) await this.#changed.next(signal);
    if (this.#state.state === 'stopped' && this.#trouble !== null) throw this.#trouble;
    const { onProgress } = options;
    return this.#building.take(async () => {
      signal.throwIfAborted();
      const { out } = parameters;
      if (out !== null) {
        const counts = await replayToDirectory(this.#ports, { ...parameters, out }, { onProgress, signal });
        return { ...counts };
      }
      if (parameters.until !== null || parameters.prefix !== null) throw needsOut();
      return this.#build({ onPoison: 'stop', onProgress, signal });
    });
  }

  async #run(first: OpenGeneration | { rebuild: string } | null): Promise<void> {
    const { signal } = this.#stop;
    let found = first;
    for (let attempts = 1; !signal.aborted; attempts += 1) {
      if (found !== null && (await this.#settleOn(found))) break;
      await this.#ports.clock.sleep(retryDelayMs(attempts), signal);
      found = await this.#tryToOpen();
    }
    if (signal.aborted) return;
    await Promise.all([this.#follow(), this.#retryWaiting()]);
  }

  async #tryToOpen(): Promise<OpenGeneration | { rebuild: string } | null> {
    try {
      return await openLiveGeneration(this.#ports);
    } catch (error) {
      this.#meet(error);
      return null;
    }
  }

  /** @returns false where it has to be tried again */
  async #settleOn(found: OpenGeneration | { rebuild: string }): Promise<boolean> {
    const { log, dataDir } = this.#ports;
    try {
      if ('rebuild' in found) {
        this.#set('starting', `Building the local files from the log, as ${found.rebuild}.`);
        log.info({ reason: found.rebuild }, 'building the local files from the log');
        const onProgress = ({ phase, done, total }: ReplayProgress): void => {
          this.#set(
            'starting',
            `Building the local files from the log, as ${found.rebuild}: ${phase}, ${done} of ${total ?? done}.`,
          );
        };
        const counts = await this.#building.take(() =>
          this.#build({ onPoison: 'record', onProgress, signal: this.#stop.signal }),
        );
        log.info(counts, 'built the local files from the log');
        const poison = this.#generation().index.poison();
        if (poison.length > 0)
          log.error(
            { poison: poison.slice(0, 10) },
            `${poison.length} events were passed that cannot be worked with`,
          );
      } else {
        this.#takeOver(found);
        await this.#writing.take(() => this.#finishIntents());
        const removed = await trimGenerations(dataDir, KEEP);
        if (removed.length > 0) log.info({ removed }, 'removed generations that are not live');
      }
      this.#trouble = null;
      this.#set('running', null);
      return true;
    } catch (error) {
      this.#meet(error);
      return false;
    }
  }

  #takeOver(generation: OpenGeneration): void {
    this.#live?.index.close();
    this.#live = generation;
    this.#waiting = WaitingPaths.none;
    this.#handled = generation.index.checkpoint;
  }

  /** What a crash cut short is done again: exactly the paths whose intents are left. */
  async #finishIntents(): Promise<void> {
    const { index } = this.#generation();
    const intents = index.intents();
    for (let from = 0; from < intents.length; from += RETRY_COUNT) {
      const positions = intents.slice(from, from + RETRY_COUNT).map(({ position }) => position);
      // One by one where bodies are read, as together they may be large.
      for (const position of positions) {
        const [event] = await this.#ports.store.readAt([position], { withBodies: true });
        if (!isContentEvent(event)) continue;
        await this.#settle([{ event, resumeAfter: index.checkpoint }]);
      }
    }
  }

  async #follow(): Promise<void> {
    const { store, clock } = this.#ports;
    await followLog({
      store,
      clock,
      filter: CONTENT_FILTER,
      withBodies: true,
      maxCount: EVENTS_PER_PAGE,
      after: () => this.#handled,
      signal: this.#stop.signal,
      handle: (page) => this.#takeIn(page),
      onCurrent: () => {
        this.#storeCheckpointNowAndThen();
      },
      onTrouble: (error) => {
        this.#meet(error);
      },
    });
  }

  async #takeIn(page: LogPage): Promise<void> {
    await this.#writing.take(async () => {
      const { wanted, unreadable: found } = foldPage(page, this.#handled);
      // After a flip, events come again that the new generation has handled.
      const unreadable = found.filter(({ position }) => !isPositionAtOrAfter(this.#handled, position));
      const oldestAt = wanted[0]?.event.metadata.at ?? null;
      this.#inHand = { count: wanted.length, oldestAt };
      try {
        const handled = laterPosition(this.#handled, page.next);
        if (wanted.length + unreadable.length > 0) await this.#settle(wanted, unreadable, handled);
        this.#handled = handled;
        this.#trouble = null;
      } finally {
        this.#inHand = { count: 0, oldestAt: null };
      }
    });
    this.#storeCheckpointNowAndThen();
    this.#changed.wake();
    // Room is made by `#retryWaiting`.
    while (this.#waiting.size >= (this.#ports.maxWaiting ?? MAX_WAITING) && !this.#stop.signal.aborted) {
      await this.#changed.next(this.#stop.signal);
    }
  }

  /** @param handled  up to where everything is handed over once this is done; default: as before */
  async #settle(
    wanted: readonly Wanted[],
    unreadable: readonly UnreadableEvent[] = [],
    handled: Position | null = this.#handled,
  ): Promise<number> {
    const { clock, log } = this.#ports;
    const newer = this.#waiting.newerOnly(wanted);
    const waitingAfter = (failures: ReadonlyMap<string, HoldfastError>): WaitingPaths =>
      this.#waiting.after(newer, failures, clock.now().getTime());
    const settled = await this.#generation().materialiser.settle(newer, {
      unreadable,
      checkpoint: (failures) => waitingAfter(failures).checkpoint(handled),
    });
    this.#waiting = waitingAfter(settled.failures);
    for (const [path, error] of settled.failures) {
      const attempts = this.#waiting.attempts(path);
      if (attempts % LOG_EVERY_ATTEMPTS !== 1) continue;
      log.error({ path, attempts, code: error.code, ...error.context }, error.message);
    }
    for (const { position, stream, version, code, message } of settled.poison) {
      log.error(
        { position, stream, version, code },
        `An event was passed that cannot be worked with: ${message}`,
      );
    }
    if (settled.changed + settled.poison.length > 0) {
      this.#storedAt = clock.now().getTime();
      this.#bell.ring();
    }
    this.#changed.wake();
    return newer.length - settled.failures.size;
  }

  async #retryWaiting(): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const next = this.#waiting.nextRetryAt();
      if (next === null) {
        await this.#changed.next(signal);
        continue;
      }
      await clock.sleep(Math.max(0, next - clock.now().getTime()), signal);
      if (signal.aborted) return;
      let written = 0;
      try {
        written = await this.#writing.take(() => this.#retryDue());
      } catch (error) {
        this.#meet(error);
      }
      if (written === 0) await clock.sleep(RETRY_PAUSE_MS, signal);
    }
  }

  async #retryDue(): Promise<number> {
    const { store, clock } = this.#ports;
    const due = this.#waiting.due(clock.now().getTime(), { count: RETRY_COUNT, bytes: RETRY_BYTES });
    if (due.length === 0) return 0;
    const events = await store.readAt(
      due.map(({ position }) => position),
      { withBodies: true },
    );
    const wanted = events.filter(isContentEvent).map((event): Wanted => ({ event, resumeAfter: null }));
    const written = await this.#settle(wanted);
    const found = new Set<string>(wanted.map(({ event }) => event.data.path));
    this.#waiting = this.#waiting.without(due.map(({ path }) => path).filter((path) => !found.has(path)));
    this.#trouble = null;
    return written;
  }

  /** Builds the next generation, catches it up while intake goes on, and flips to it while intake pauses. */
  async #build(options: BuildOptions): Promise<Record<string, number>> {
    const { dataDir, files, store } = this.#ports;
    const build = new GenerationBuild(this.#ports, options);
    try {
      await build.fill();
      await build.catchUp(null);
      options.onProgress({ phase: 'flipping', done: 0, total: null });
      await this.#writing.take(async () => {
        await build.catchUp(laterPosition(await store.head(), this.#handled));
        options.signal.throwIfAborted();
        flipTo(dataDir, build.name, files);
        this.#takeOver(build.release());
      });
    } catch (error) {
      await build.discard();
      throw error;
    }
    this.#bell.ring();
    this.#changed.wake();
    await trimGenerations(dataDir, KEEP);
    return { ...build.counts, generation: Number(build.name) };
  }

  #checkpoint(): Position | null {
    return this.#waiting.checkpoint(this.#handled);
  }

  #storeCheckpointNowAndThen(): void {
    if (this.#ports.clock.now().getTime() - this.#storedAt < CHECKPOINT_EVERY_MS) return;
    void this.#writing.take(() => Promise.resolve(this.#storeCheckpoint()));
  }

  #storeCheckpoint(): void {
    const index = this.#live?.index;
    const checkpoint = this.#checkpoint();
    if (index === undefined || checkpoint === null || checkpoint === index.checkpoint) return;
    try {
      index.commit({ files: [], checkpoint });
      this.#storedAt = this.#ports.clock.now().getTime();
    } catch (error) {
      this.#meet(error);
    }
  }

  #generation(): OpenGeneration {
    if (this.#live === null) throw new Error('There is no live generation.');
    return this.#live;
  }

  #set(state: ProjectorStatus['state'], reason: string | null): void {
    this.#state = { state, reason };
    this.#changed.wake();
  }

  #stateNow(): Pick<ProjectorStatus, 'state' | 'reason'> {
    if (this.#state.state === 'stopped') return this.#state;
    if (this.#trouble !== null) return { state: 'waiting', reason: this.#trouble.message };
    const [first] = this.#waiting.all();
    if (first === undefined) return this.#state;
    return {
      state: 'waiting',
      reason: `Paths wait to be written: ${this.#waiting.size}. ${first.error.message}`,
    };
  }

  /** Something failed; what may pass is tried again by the caller, anything else ends all work. */
  #meet(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const known = toHoldfastError(error);
    if (judgeFailure(known, 1, 'live').do !== 'retry') return this.#giveUp(known);
    this.#trouble = known;
    this.#ports.log.warn({ code: known.code, ...known.context }, `${known.message} It is tried again.`);
    this.#changed.wake();
  }

  #giveUp(error: unknown): void {
    if (this.#stop.signal.aborted || this.#state.state === 'stopped') return;
    const known = toHoldfastError(error);
    this.#trouble = known;
    this.#ports.log.error(
      { err: known, code: known.code, ...known.context },
      `The local projector stops: ${known.message}`,
    );
    this.#stop.abort();
    this.#set('stopped', `${known.code}: ${known.message}`);
  }
}

const isContentEvent = (event: LogEntry | undefined): event is ContentEvent =>
  event?.type === 'ContentPublished' || event?.type === 'ContentDeleted';

const retryDelayMs = (attempts: number): number => Math.min(250 * 2 ** (attempts - 1), 5_000);

const needsOut = (): HoldfastError =>
  new HoldfastError(
    'REQUEST_INVALID',
    'A replay of a part of the tree, or as of a moment, never becomes the live one: say in `out` which directory it goes to.',
  );
