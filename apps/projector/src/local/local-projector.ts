import {
  type Clock,
  type EventData,
  type EventStore,
  followLog,
  HoldfastError,
  isPositionAtOrAfter,
  laterPosition,
  type LogPage,
  type ReplayParameters,
  toHoldfastError,
} from '@holdfast/domain';
import {
  type FileOperations,
  flipTo,
  generationIndexFile,
  type GenerationName,
  liveGeneration,
  removeUnfinishedGenerations,
  trimGenerations,
} from '@holdfast/storage';
import { judgeFailure } from '../runtime/failure-policy.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { Turns } from '../runtime/turns.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { type BuildOptions, GenerationBuild, type ReplayProgress } from './build-generation.ts';
import type { DocumentWalk } from './collect-documents.ts';
import { LiveFiles } from './live-files.ts';
import { openLiveGeneration, type OpenGeneration } from './live-generation.ts';
import { replayToDirectory } from './replay-to-directory.ts';
import { CONTENT_FILTER } from './wanted.ts';

export interface LocalProjectorPorts {
  readonly store: EventStore;
  /** Started by the caller. */
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

type Found = OpenGeneration | { readonly rebuild: string };

/** Generations kept beside the live one. */
const KEEP = 1;
const EVENTS_PER_PAGE = 1024;
const MAX_WAITING = 4096;
/** Where not one of the paths that were due could be written. */
const RETRY_PAUSE_MS = 1_000;

/**
 * Materialises the log as files on this machine: one instance per data directory, which the caller has locked.
 * It alone builds and flips generations. What goes wrong later never throws: `status` tells, and what may
 * pass is tried again.
 */
export class LocalProjector {
  readonly #ports: LocalProjectorPorts;
  readonly #live: LiveFiles;
  readonly #stop = new AbortController();
  /** Whatever writes to the live generation or replaces it. */
  readonly #writing = new Turns();
  readonly #building = new Turns();
  readonly #changed = new Wakeup();
  /** Ended when the live generation turns out to be lost or damaged: it is looked for again. */
  #round = new AbortController();
  #state: { state: ProjectorStatus['state']; reason: string | null } = { state: 'starting', reason: null };
  /** Why the last attempt to go on failed; null once one succeeded. */
  #trouble: HoldfastError | null = null;
  /** A database that turned out to be damaged; opening it may not show that again. */
  #damaged: HoldfastError | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: LocalProjectorPorts) {
    this.#ports = ports;
    this.#live = new LiveFiles(ports);
  }

  /**
   * Looks at what is there, and goes on from it in the background; builds a generation where none can be
   * used. Resolves once that is known, with `status` saying `stopped` where nothing may be written.
   */
  async start(): Promise<void> {
    const found = await this.#look();
    this.#running = this.#run(found).catch((error: unknown) => {
      this.#giveUp(error);
    });
  }

  /** Ends after the work in hand; what is unfinished is taken up by the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#building.take(() => Promise.resolve());
    await this.#writing.take(() => Promise.resolve());
    try {
      this.#live.close();
    } catch (error) {
      this.#ports.log.warn(
        { err: error },
        'The checkpoint could not be stored; a little is read again next time.',
      );
    }
  }

  status(): ProjectorStatus {
    const { count, oldestAt } = this.#live.pending;
    const { checkpoint } = this.#live;
    return { name: 'local', ...this.#stateNow(), checkpoint, pending: count, oldestPendingAt: oldestAt };
  }

  /** Resolves once everything that was in the log when asked is on disk, or the projector has ended. */
  async caughtUp(): Promise<void> {
    const head = await this.#ports.store.head();
    while (!this.#stop.signal.aborted) {
      if (this.#state.state === 'running' && isPositionAtOrAfter(this.#live.checkpoint, head)) return;
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

  async #run(first: Found | null): Promise<void> {
    let found = first;
    for (let attempts = 1; !this.#stop.signal.aborted; attempts += 1) {
      if (found !== null && (await this.#settleOn(found))) {
        attempts = 0;
        this.#round = new AbortController();
        const signal = AbortSignal.any([this.#stop.signal, this.#round.signal]);
        await Promise.all([this.#follow(signal), this.#retryWaiting(signal)]);
      } else {
        await this.#ports.clock.sleep(retryDelayMs(attempts), this.#stop.signal);
      }
      if (!this.#stop.signal.aborted) found = await this.#look();
      // It looks well, but was not: another database is damaged, which only trying again tells.
      const isInDoubt = found !== null && !('rebuild' in found) && isCorruption(this.#trouble);
      if (isInDoubt) await this.#ports.clock.sleep(RETRY_PAUSE_MS, this.#stop.signal);
    }
  }

  async #look(): Promise<Found | null> {
    try {
      const found = await openLiveGeneration(this.#ports);
      const damaged = this.#damaged;
      if ('rebuild' in found || damaged === null) return found;
      if (damaged.context['file'] !== generationIndexFile(this.#ports.dataDir, found.name)) return found;
      found.index.close();
      return { rebuild: `the index of generation ${found.name} is damaged (${damaged.message})` };
    } catch (error) {
      this.#meet(error);
      return null;
    }
  }

  /** @returns false where it has to be tried again */
  async #settleOn(found: Found): Promise<boolean> {
    try {
      if ('rebuild' in found) await this.#buildAgain(found.rebuild);
      else await this.#goOn(found);
      // A damaged database may look well until something is written to it.
      if ('rebuild' in found || !isCorruption(this.#trouble)) this.#trouble = null;
      this.#set('running', null);
      return true;
    } catch (error) {
      this.#meet(error);
      return false;
    }
  }

  async #goOn(generation: OpenGeneration): Promise<void> {
    this.#live.takeOver(generation);
    await this.#writing.take(() => this.#live.finishIntents());
    await this.#building.take(() => this.#tidy(trimToKept));
  }

  async #buildAgain(why: string): Promise<void> {
    const { log } = this.#ports;
    const reason = `Building the local files from the log, as ${why}`;
    this.#set('starting', `${reason}.`);
    log.info({ reason: why }, 'building the local files from the log');
    const onProgress = ({ phase, done, total }: ReplayProgress): void => {
      this.#set('starting', `${reason}: ${phase}, ${done}${total === null ? '' : ` of ${total}`}.`);
    };
    const { signal } = this.#stop;
    const counts = await this.#building.take(async () => {
      // Builds that are killed again and again would fill the disk.
      await this.#tidy(removeUnfinishedGenerations);
      return this.#build({ onPoison: 'record', onProgress, signal });
    });
    log.info(counts, 'built the local files from the log');
    const poison = this.#live.poison();
    if (poison.length === 0) return;
    log.error(
      { poison: poison.slice(0, 10) },
      `${poison.length} events were passed that cannot be worked with`,
    );
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#ports;
    await followLog({
      store,
      clock,
      filter: CONTENT_FILTER,
      withBodies: true,
      maxCount: EVENTS_PER_PAGE,
      after: () => this.#live.handled,
      signal,
      handle: (page) => this.#takeIn(page, signal),
      onCurrent: () => {
        void this.#write(() => Promise.resolve(this.#live.storeCheckpointNowAndThen()));
      },
      onTrouble: (error) => {
        this.#meet(error);
      },
    }).catch((error: unknown) => {
      this.#meet(error);
    });
  }

  async #takeIn(page: LogPage, signal: AbortSignal): Promise<void> {
    await this.#writing.take(async () => {
      if (signal.aborted) return;
      if (!this.#live.isLive()) return this.#round.abort();
      await this.#live.takeIn(page);
      this.#live.storeCheckpointNowAndThen();
      this.#trouble = null;
    });
    this.#changed.wake();
    // `#retryWaiting` makes room.
    const { maxWaiting = MAX_WAITING } = this.#ports;
    while (this.#live.waiting.size >= maxWaiting && !signal.aborted) await this.#changed.next(signal);
  }

  async #retryWaiting(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      const next = this.#live.waiting.nextRetryAt();
      if (next === null) {
        await this.#changed.next(signal);
        continue;
      }
      await clock.sleep(Math.max(0, next - clock.now().getTime()), signal);
      const done = signal.aborted ? 0 : await this.#write(() => this.#live.retryDue());
      this.#changed.wake();
      if (done === undefined || done === 0) await clock.sleep(RETRY_PAUSE_MS, signal);
    }
  }

  /** Something that is done again later where it fails. */
  async #write<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#writing.take(async () => {
        if (this.#stop.signal.aborted || this.#round.signal.aborted) return undefined;
        if (this.#live.isLive()) return work();
        this.#round.abort();
        return undefined;
      });
    } catch (error) {
      this.#meet(error);
      return undefined;
    }
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
        await build.catchUp(laterPosition(await store.head(), this.#live.handled));
        options.signal.throwIfAborted();
        try {
          flipTo(dataDir, build.name, files);
        } catch (error) {
          if (liveGeneration(dataDir) !== build.name) throw error;
          this.#warn(
            error,
            'The new generation is live; after a power cut now, the one before may be live again.',
          );
        }
        this.#takeOver(build.release());
      });
    } catch (error) {
      await this.#discard(build);
      throw error;
    }
    this.#changed.wake();
    await this.#tidy(trimToKept);
    return { ...build.counts, generation: Number(build.name) };
  }

  /** The generation is live: whatever fails while it is taken over, it is the one to go on with. */
  #takeOver(generation: OpenGeneration): void {
    try {
      this.#live.takeOver(generation);
    } catch (error) {
      this.#warn(error, 'The new generation is live; letting go of the one before failed.');
    }
  }

  /** Removes a build, but never the generation that readers may see; why it failed is the caller's to tell. */
  async #discard(build: GenerationBuild): Promise<void> {
    try {
      if (liveGeneration(this.#ports.dataDir) === build.name) build.close();
      else await build.discard();
    } catch (error) {
      build.close();
      this.#warn(error, `Generation ${build.name}, which was not finished, is left for later.`);
    }
  }

  /** What cannot be removed only takes room, so it keeps nothing from going on. */
  async #tidy(remove: (dataDir: string) => Promise<GenerationName[]>): Promise<void> {
    const { dataDir, log } = this.#ports;
    try {
      const removed = await remove(dataDir);
      if (removed.length > 0) log.info({ removed }, 'removed generations that are not live');
    } catch (error) {
      this.#warn(error, 'Generations that are not live are left; the next flip or start tries again.');
    }
  }

  #warn(error: unknown, consequence: string): void {
    const known = toHoldfastError(error);
    this.#ports.log.warn({ code: known.code, ...known.context }, `${known.message} ${consequence}`);
  }

  #set(state: ProjectorStatus['state'], reason: string | null): void {
    this.#state = { state, reason };
    this.#changed.wake();
  }

  #stateNow(): Pick<ProjectorStatus, 'state' | 'reason'> {
    if (this.#state.state === 'stopped') return this.#state;
    if (this.#trouble !== null) return { state: 'waiting', reason: this.#trouble.message };
    const { waiting } = this.#live;
    const [first] = waiting.all();
    if (first === undefined) return this.#state;
    return {
      state: 'waiting',
      reason: `Paths that wait to be written: ${waiting.size}. ${first.error.message}`,
    };
  }

  /** Something failed; what may pass is tried again by the caller, anything else ends all work. */
  #meet(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const known = toHoldfastError(error);
    const { log } = this.#ports;
    if (isCorruption(known)) {
      this.#trouble = known;
      this.#damaged = known;
      this.#changed.wake();
      log.error({ code: known.code, ...known.context }, known.message);
      return this.#round.abort();
    }
    if (judgeFailure(known, 1, 'live').do !== 'retry') return this.#giveUp(known);
    this.#trouble = known;
    log.warn({ code: known.code, ...known.context }, `${known.message} It is tried again.`);
    this.#changed.wake();
  }

  #giveUp(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const known = toHoldfastError(error);
    this.#trouble = known;
    this.#set('stopped', `${known.code}: ${known.message}`);
    this.#ports.log.error(
      { err: known, code: known.code, ...known.context },
      `The local projector stops: ${known.message}`,
    );
    this.#stop.abort();
  }
}

const trimToKept = (dataDir: string): Promise<GenerationName[]> => trimGenerations(dataDir, KEEP);

const isCorruption = (error: HoldfastError | null): boolean => error?.code === 'DATABASE_CORRUPT';

const retryDelayMs = (attempts: number): number => Math.min(250 * 2 ** (attempts - 1), 5_000);

const needsOut = (): HoldfastError =>
  new HoldfastError(
    'REQUEST_INVALID',
    'A replay of a part of the tree, or as of a moment, never becomes the live one: say in `out` which directory it goes to.',
  );
