import {
  type Clock,
  type ContentPath,
  type EventStore,
  followLog,
  HoldfastError,
  isPositionAtOrAfter,
  type LogPage,
  type Position,
  type ReplayParameters,
} from '@holdfast/domain';
import { type FileOperations, generationIndexFile } from '@holdfast/storage';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { Turns } from '../runtime/turns.ts';
import type { BuildOptions, ReplayProgress } from './build-generation.ts';
import type { DocumentWalk } from './collect-documents.ts';
import { Condition, type ProjectorStatus } from './condition.ts';
import { LiveFiles } from './live-files.ts';
import { openLiveGeneration, type OpenGeneration } from './live-generation.ts';
import { removeOldGenerations, removeUnfinishedBuilds, replaceGeneration } from './replace-generation.ts';
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
  /** Asked before documents are written: what throws DISK_FULL makes them wait, while deletes go on. */
  readonly requireRoom?: () => void;
  /** So many paths may wait before no more events are taken in; default 4,096. */
  readonly maxWaiting?: number;
}

export interface ReplayOptions {
  readonly onProgress: (progress: ReplayProgress) => void;
  readonly signal: AbortSignal;
}

type Found = OpenGeneration | { readonly rebuild: string };

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
  readonly #condition: Condition;
  /** Ended when the live generation turns out to be lost or damaged: it is looked for again. */
  #round = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(ports: LocalProjectorPorts) {
    this.#ports = ports;
    this.#live = new LiveFiles(ports);
    this.#condition = new Condition(ports.log);
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
    const { checkpoint, waiting } = this.#live;
    const shown = this.#condition.shown(waiting);
    return { name: 'local', ...shown, checkpoint, pending: count, oldestPendingAt: oldestAt };
  }

  /** Resolves once everything that was in the log when asked is on disk, or the projector has ended. */
  async caughtUp(): Promise<void> {
    const head = await this.#ports.store.head();
    while (!this.#stop.signal.aborted) {
      if (this.#condition.state === 'running' && isPositionAtOrAfter(this.#live.checkpoint, head)) return;
      await this.#condition.changed.next(this.#stop.signal);
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
    while (this.#condition.state === 'starting' && !signal.aborted)
      await this.#condition.changed.next(signal);
    if (this.#condition.state === 'stopped' && this.#condition.trouble !== null)
      throw this.#condition.trouble;
    const { onProgress } = options;
    return this.#building.take(async () => {
      signal.throwIfAborted();
      const { out } = parameters;
      if (out !== null) {
        const counts = await replayToDirectory(this.#ports, { ...parameters, out }, { onProgress, signal });
        return { ...counts };
      }
      if (parameters.until !== null || parameters.prefix !== null) throw needsOut();
      return this.#replace({ onPoison: 'stop', onProgress, signal });
    });
  }

  /**
   * Writes files again from the log, for a repair.
   * @returns the failures by path
   * @throws LOCAL_FILE_NOT_READY, EVENT_STORE_UNAVAILABLE, EVENT_UNREADABLE, DISK_FULL, STORAGE_UNAVAILABLE
   */
  materialiseAgain(paths: readonly ContentPath[]): Promise<ReadonlyMap<string, HoldfastError>> {
    return this.exclusively(() => this.#live.materialiseAgain(paths));
  }

  /**
   * Runs while nobody else writes to the live generation or replaces it.
   * @param work  told its directory
   * @throws LOCAL_FILE_NOT_READY while there is none that can be written to; what `work` throws
   */
  exclusively<T>(work: (root: string) => Promise<T> | T): Promise<T> {
    return this.#writing.take(async () => {
      const isOpen = this.#condition.state === 'running' && !this.#round.signal.aborted;
      if (!isOpen || this.#stop.signal.aborted || !this.#live.isLive()) throw notWritable();
      return work(this.#live.root);
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
      const isInDoubt = found !== null && !('rebuild' in found) && this.#condition.isInDoubt;
      if (isInDoubt) await this.#ports.clock.sleep(RETRY_PAUSE_MS, this.#stop.signal);
    }
  }

  async #look(): Promise<Found | null> {
    try {
      const found = await openLiveGeneration(this.#ports);
      const { damaged } = this.#condition;
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
      if ('rebuild' in found || !this.#condition.isInDoubt) this.#condition.recover();
      this.#condition.set('running', null);
      return true;
    } catch (error) {
      this.#meet(error);
      return false;
    }
  }

  async #goOn(generation: OpenGeneration): Promise<void> {
    this.#live.takeOver(generation);
    await this.#writing.take(() => this.#live.finishIntents());
    await this.#building.take(() => removeOldGenerations(this.#ports));
  }

  async #buildAgain(why: string): Promise<void> {
    const { log } = this.#ports;
    const reason = `Building the local files from the log, as ${why}`;
    this.#condition.set('starting', `${reason}.`);
    log.info({ reason: why }, 'building the local files from the log');
    const onProgress = ({ phase, done, total }: ReplayProgress): void => {
      this.#condition.set('starting', `${reason}: ${phase}, ${done}${total === null ? '' : ` of ${total}`}.`);
    };
    const { signal } = this.#stop;
    const counts = await this.#building.take(async () => {
      await removeUnfinishedBuilds(this.#ports);
      return this.#replace({ onPoison: 'record', onProgress, signal });
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
      this.#condition.recover();
    });
    this.#condition.changed.wake();
    // `#retryWaiting` makes room, and so do deletions further on in the log.
    const { maxWaiting = MAX_WAITING } = this.#ports;
    let ahead = page.next;
    while (this.#live.waiting.size >= maxWaiting && !signal.aborted) {
      const woken = this.#condition.changed.next(signal);
      ahead = await this.#deleteAhead(ahead, signal);
      await woken;
    }
  }

  /** @returns up to where the deletions are done, or wait */
  async #deleteAhead(after: Position | null, signal: AbortSignal): Promise<Position | null> {
    const where = { maxCount: EVENTS_PER_PAGE, filter: { types: ['ContentDeleted'] } } as const;
    for (let at = after; ;) {
      const page = await this.#ports.store.readLog({ ...where, after: at });
      if (page.events.length > 0) await this.#write(() => this.#live.deleteAhead(page));
      if (page.isEnd || signal.aborted) return page.next;
      at = page.next;
    }
  }

  async #retryWaiting(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    while (!signal.aborted) {
      const next = this.#live.waiting.nextRetryAt();
      if (next === null) {
        await this.#condition.changed.next(signal);
        continue;
      }
      await clock.sleep(Math.max(0, next - clock.now().getTime()), signal);
      const done = signal.aborted ? 0 : await this.#write(() => this.#live.retryDue());
      this.#condition.changed.wake();
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

  async #replace(options: BuildOptions): Promise<Record<string, number>> {
    const current = { live: this.#live, writing: this.#writing };
    const counts = await replaceGeneration(this.#ports, current, options);
    this.#condition.changed.wake();
    await removeOldGenerations(this.#ports);
    return counts;
  }

  /** Something failed; what may pass is tried again by the caller, anything else ends all work. */
  #meet(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    switch (this.#condition.meet(error)) {
      case 'try again':
        return;
      case 'look again':
        return this.#round.abort();
      case 'stop':
        return this.#stop.abort();
    }
  }

  #giveUp(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#condition.giveUp(error);
    this.#stop.abort();
  }
}

const retryDelayMs = (attempts: number): number => Math.min(250 * 2 ** (attempts - 1), 5_000);

const notWritable = (): HoldfastError =>
  new HoldfastError(
    'LOCAL_FILE_NOT_READY',
    'The local files were left as they are: the local projector is not running, or is about to look for them again. "holdfast status" says why; try again once it runs.',
  );

const needsOut = (): HoldfastError =>
  new HoldfastError(
    'REQUEST_INVALID',
    'A replay of a part of the tree, or as of a moment, never becomes the live one: say in `out` which directory it goes to.',
  );
