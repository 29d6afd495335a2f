import {
  type Clock,
  type ContentEvent,
  type ContentPath,
  contentStream,
  type EventStore,
  type HoldfastError,
  isPositionAtOrAfter,
  laterPosition,
  type LogEntry,
  type LogPage,
  type Position,
  type UnreadableEvent,
} from '@holdfast/domain';
import { generationIndexFile, generationRoot, liveGeneration, openLocalBell } from '@holdfast/storage';
import { existsSync } from 'node:fs';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import type { OpenGeneration } from './live-generation.ts';
import { WaitingPaths } from './waiting-paths.ts';
import { foldPage, type Wanted } from './wanted.ts';

/** Tried again at a time. */
const RETRY_COUNT = 64;
const RETRY_BYTES = 8 * 1024 * 1024;
/** A checkpoint that moved past events of others is stored now and then: losing it costs a little reading. */
const CHECKPOINT_EVERY_MS = 1_000;
/** A failure is logged when it is new, and then each so many attempts. */
const LOG_EVERY_ATTEMPTS = 50;

/**
 * The live generation as its one writer has it: what was handed to it, and which paths wait. One call at a time;
 * those that write throw EVENT_STORE_UNAVAILABLE, DISK_FULL, STORAGE_UNAVAILABLE, DATABASE_CORRUPT, after
 * which everything may be handed over again.
 */
export class LiveFiles {
  readonly #ports: { store: EventStore; clock: Clock; dataDir: string; log: ProjectorLog };
  readonly #bell: ReturnType<typeof openLocalBell>;
  #generation: OpenGeneration | null = null;
  #waiting = WaitingPaths.none;
  #handled: Position | null = null;
  #inHand: { count: number; oldestAt: string | null } = { count: 0, oldestAt: null };
  #storedAt = 0;

  constructor(ports: { store: EventStore; clock: Clock; dataDir: string; log: ProjectorLog }) {
    this.#ports = ports;
    this.#bell = openLocalBell(ports.dataDir);
  }

  /**
   * Goes on with this generation, also where it throws, and closes the one before. What waited there is
   * done, or waits, here.
   */
  takeOver(generation: OpenGeneration): void {
    const before = this.#generation;
    this.#generation = generation;
    this.#waiting = WaitingPaths.none;
    this.#handled = generation.index.checkpoint;
    this.#bell.ring();
    before?.index.close();
  }

  /** Every content event up to here was handed over: it is done, or waits. */
  get handled(): Position | null {
    return this.#handled;
  }

  /** Every content event up to here is done. */
  get checkpoint(): Position | null {
    return this.#waiting.checkpoint(this.#handled);
  }

  get waiting(): WaitingPaths {
    return this.#waiting;
  }

  get pending(): { count: number; oldestAt: string | null } {
    const since = [this.#waiting.oldestSince(), this.#inHand.oldestAt].filter((at) => at !== null).sort();
    return { count: this.#waiting.size + this.#inHand.count, oldestAt: since[0] ?? null };
  }

  /** False once somebody has deleted the generation, or made the link lead elsewhere. */
  isLive(): boolean {
    const { dataDir } = this.#ports;
    const { name } = this.#open();
    const parts = [generationRoot(dataDir, name), generationIndexFile(dataDir, name)];
    return liveGeneration(dataDir) === name && parts.every((part) => existsSync(part));
  }

  async takeIn(page: LogPage): Promise<void> {
    const { wanted, unreadable: found } = foldPage(page, this.#handled);
    // After a flip, events come again that the new generation has handled.
    const unreadable = found.filter(({ position }) => !isPositionAtOrAfter(this.#handled, position));
    const handled = laterPosition(this.#handled, page.next);
    this.#inHand = { count: wanted.length, oldestAt: wanted[0]?.event.metadata.at ?? null };
    try {
      if (wanted.length + unreadable.length > 0) await this.#settle(wanted, unreadable, { handled });
      this.#handled = handled;
    } finally {
      this.#inHand = { count: 0, oldestAt: null };
    }
  }

  /** Deletions from beyond what was handed over, whose turn comes again: the index then knows that they are done. */
  async deleteAhead(page: LogPage): Promise<void> {
    const { wanted } = foldPage(page, this.#handled);
    await this.#settle(wanted.map((each) => ({ ...each, resumeAfter: this.#handled })));
  }

  /** What a crash cut short is done again: exactly the paths whose intents are left. */
  async finishIntents(): Promise<void> {
    const { index } = this.#open();
    for (const { position } of index.intents()) {
      // One by one, as together their bodies may be large.
      const [event] = await this.#ports.store.readAt([position], { withBodies: true });
      if (isContentEvent(event)) await this.#settle([{ event, resumeAfter: index.checkpoint }]);
    }
  }

  /** @returns how many of the paths that were due are done now */
  async retryDue(): Promise<number> {
    const { store, clock } = this.#ports;
    const due = this.#waiting.due(clock.now().getTime(), { count: RETRY_COUNT, bytes: RETRY_BYTES });
    if (due.length === 0) return 0;
    const positions = due.map(({ position }) => position);
    const events = await store.readAt(positions, { withBodies: true });
    const wanted = events.filter(isContentEvent).map((event): Wanted => ({ event, resumeAfter: null }));
    const unreadable = events.filter((event) => event.type === 'Unreadable');
    const found = new Set<string>(wanted.map(({ event }) => event.data.path));
    const passed = due.map(({ path }) => path).filter((path) => !found.has(path));
    return this.#settle(wanted, unreadable, { passed });
  }

  /**
   * Writes the files of these paths, and their `.prev`, again from the log, whatever the index says of them; a path
   * whose newest event is a deletion loses its files.
   * @returns the failures by path; nothing waits for those
   */
  async materialiseAgain(paths: readonly ContentPath[]): Promise<ReadonlyMap<string, HoldfastError>> {
    const failures = new Map<string, HoldfastError>();
    let [wanted, bytes]: [Wanted[], number] = [[], 0];
    const settle = async (): Promise<void> => {
      const settled = await this.#open().materialiser.settle(wanted, {
        again: true,
        checkpoint: () => this.checkpoint,
      });
      for (const [path, error] of settled.failures) failures.set(path, error);
      if (settled.changed > 0) this.#bell.ring();
      [wanted, bytes] = [[], 0];
    };
    for (const path of paths) {
      const [event] = await this.#ports.store.readStream(contentStream(path), {
        direction: 'backwards',
        maxCount: 1,
        withBodies: true,
      });
      if (!isContentEvent(event)) continue;
      wanted.push({ event, resumeAfter: null });
      bytes += event.body?.length ?? 0;
      if (bytes >= RETRY_BYTES) await settle();
    }
    await settle();
    return failures;
  }

  /** The directory of the live generation. */
  get root(): string {
    return generationRoot(this.#ports.dataDir, this.#open().name);
  }

  storeCheckpointNowAndThen(): void {
    const isDue = this.#ports.clock.now().getTime() - this.#storedAt >= CHECKPOINT_EVERY_MS;
    if (isDue) this.storeCheckpoint();
  }

  storeCheckpoint(): void {
    const { index } = this.#open();
    const { checkpoint } = this;
    if (checkpoint === null || checkpoint === index.checkpoint) return;
    index.commit({ files: [], checkpoint });
    this.#storedAt = this.#ports.clock.now().getTime();
  }

  /** The events recorded as unworkable. */
  poison(): ReturnType<OpenGeneration['index']['poison']> {
    return this.#open().index.poison();
  }

  close(): void {
    try {
      if (this.#generation !== null) this.storeCheckpoint();
    } finally {
      this.#generation?.index.close();
      this.#generation = null;
      this.#bell.close();
    }
  }

  /**
   * @param after.handled  up to where everything is handed over once this is done; default: as before
   * @param after.passed   paths that then wait no longer, as nothing can be made of their events
   */
  async #settle(
    wanted: readonly Wanted[],
    unreadable: readonly UnreadableEvent[] = [],
    after: { handled?: Position | null; passed?: readonly string[] } = {},
  ): Promise<number> {
    const { handled = this.#handled, passed = [] } = after;
    const { clock, log } = this.#ports;
    const newer = this.#waiting.newerOnly(wanted);
    const waitingAfter = (failures: ReadonlyMap<string, HoldfastError>): WaitingPaths =>
      this.#waiting.without(passed).after(newer, failures, clock.now().getTime());
    const { failures, poison, changed } = await this.#open().materialiser.settle(newer, {
      unreadable,
      checkpoint: (failed) => waitingAfter(failed).checkpoint(handled),
    });
    this.#waiting = waitingAfter(failures);
    for (const [path, error] of failures) {
      const attempts = this.#waiting.attempts(path);
      if (attempts % LOG_EVERY_ATTEMPTS !== 1) continue;
      log.error({ path, attempts, code: error.code, ...error.context }, error.message);
    }
    for (const { position, stream, version, code, message } of poison) {
      log.error(
        { position, stream, version, code },
        `An event was passed that cannot be worked with: ${message}`,
      );
    }
    if (changed + poison.length > 0) {
      this.#storedAt = clock.now().getTime();
      this.#bell.ring();
    }
    return newer.length - failures.size;
  }

  #open(): OpenGeneration {
    if (this.#generation === null) throw new Error('There is no live generation.');
    return this.#generation;
  }
}

const isContentEvent = (event: LogEntry | undefined): event is ContentEvent =>
  event?.type === 'ContentPublished' || event?.type === 'ContentDeleted';
