import {
  type Clock,
  type ContentEvent,
  type EventStore,
  hasCode,
  type HoldfastError,
  type Position,
  toHoldfastError,
  type UnreadableEvent,
} from '@holdfast/domain';
import {
  type ContentTree,
  type GenerationIndex,
  type Intent,
  type PoisonRecord,
  type RecordedFile,
  type Removal,
  type Replacement,
  Slices,
} from '@holdfast/storage';
import { randomUUID } from 'node:crypto';
import { checkVersion, type Poison, type Published, readVersion, type ReadVersion } from './read-version.ts';
import type { Wanted } from './wanted.ts';

/** How much of new and previous versions is in memory at a time; one document may exceed it. */
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

export interface Settled {
  /** Paths that could not be written now, and why; they are to be tried again. */
  readonly failures: ReadonlyMap<string, HoldfastError>;
  readonly poison: readonly PoisonRecord[];
  /** Paths that were changed on disk. */
  readonly changed: number;
}

/** A batch of changes, as the recipe goes through them. */
interface Batch {
  readonly replace: (Replacement & { readonly event: Published })[];
  readonly remove: (Removal & { readonly event: ContentEvent })[];
  /** Paths with an intent to which nothing can be done. */
  readonly abandon: string[];
  bytes: number;
}

const emptyBatch = (): Batch => ({ replace: [], remove: [], abandon: [], bytes: 0 });

/**
 * Brings the files of one generation to what the log wants of them. What a file and its `.prev` should hold
 * is a function of the log alone, so anything may be handled twice, in pages of any size, and after
 * a crash at any point.
 */
export class Materialiser {
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #index: GenerationIndex;
  readonly #tree: ContentTree;
  readonly #requireRoom: () => void;

  /** @param ports.requireRoom  asked before documents are written; throws DISK_FULL */
  constructor(ports: {
    store: EventStore;
    clock: Clock;
    index: GenerationIndex;
    tree: ContentTree;
    requireRoom?: (() => void) | undefined;
  }) {
    this.#store = ports.store;
    this.#clock = ports.clock;
    this.#index = ports.index;
    this.#tree = ports.tree;
    this.#requireRoom = ports.requireRoom ?? (() => undefined);
  }

  /**
   * @param wanted              no path twice
   * @param options.unreadable  recorded, and passed
   * @param options.again       also what the index says is done: files and `.prev` are written from the log alone
   * @param options.checkpoint  asked before the last commit, where the checkpoint moves to given these failures;
   *                            it is not stored when nothing else is
   * @throws EVENT_STORE_UNAVAILABLE, DISK_FULL, STORAGE_UNAVAILABLE: some paths may be done; all may be handled again
   */
  async settle(
    wanted: readonly Wanted[],
    options: {
      unreadable?: readonly UnreadableEvent[];
      again?: boolean;
      checkpoint: (failures: ReadonlyMap<string, HoldfastError>) => Position | null;
    },
  ): Promise<Settled> {
    const failures = new Map<string, HoldfastError>();
    const poison = (options.unreadable ?? []).map((event) => toPoisonRecord(event, this.#clock));
    let changed = 0;
    let batch = emptyBatch();
    const slices = new Slices();
    for (const each of wanted) {
      await this.#prepare(each, batch, failures, poison, options.again === true);
      await slices.pause();
      if (batch.bytes < MAX_BATCH_BYTES) continue;
      const files = await this.#apply(batch, failures);
      this.#index.commit({ files, abandoned: batch.abandon });
      changed += files.length;
      batch = emptyBatch();
    }
    const files = await this.#apply(batch, failures);
    changed += files.length;
    if (files.length + poison.length + batch.abandon.length > 0) {
      const checkpoint = options.checkpoint(failures);
      this.#index.commit({ files, poison, abandoned: batch.abandon, checkpoint });
    }
    return { failures, poison, changed };
  }

  /** Adds to the batch what is to be done for one path, if anything. */
  async #prepare(
    wanted: Wanted,
    batch: Batch,
    failures: Map<string, HoldfastError>,
    poison: PoisonRecord[],
    again: boolean,
  ): Promise<void> {
    const { path } = wanted.event.data;
    const recorded = again ? null : this.#index.recorded(path);
    const left = this.#index.intentOf(path);
    const doneVersion = recorded?.version ?? -1;
    // A change that was cut short may have touched the recorded version: it is no longer proof.
    const good = await this.#newestGood(wanted, left === undefined ? doneVersion : doneVersion - 1, poison);
    const temporary = left ?? randomUUID();
    try {
      if (left !== undefined) this.#tree.recover({ path, temporary });
    } catch (error) {
      failures.set(path, error as HoldfastError);
      return;
    }
    if (good === null) {
      if (left !== undefined) batch.abandon.push(path);
      return;
    }
    if (good.event.type === 'ContentDeleted') {
      batch.remove.push({ path, temporary, event: good.event });
      return;
    }
    const event = good.event as Published;
    const isSure = left === undefined && recorded?.version === event.version - 1;
    const previous = await this.#previous(event, good.before, isSure ? recorded : null, poison);
    batch.replace.push({ path, bytes: event.body, previous, temporary, event });
    batch.bytes += event.body.length + (previous instanceof Uint8Array ? previous.length : 0);
  }

  /** The newest version above the one that is done that can be worked with; null where there is none. */
  async #newestGood(
    wanted: Wanted,
    doneVersion: number,
    poison: PoisonRecord[],
  ): Promise<{ event: ContentEvent; before?: ContentEvent } | null> {
    const { path } = wanted.event.data;
    let { version } = wanted.event;
    let found: ReadVersion | null = null;
    while (version > doneVersion && version >= 0) {
      found = found === null ? checkVersion(wanted.event) : await readVersion(this.#store, path, version);
      if (found.state === 'absent') return null;
      if (found.state !== 'poison') {
        const isNewest = version === wanted.event.version && wanted.before !== undefined;
        return { event: found.event, ...(isNewest ? { before: wanted.before } : {}) };
      }
      poison.push(toPoisonRecord(found, this.#clock));
      version -= 1;
    }
    return null;
  }

  async #previous(
    event: Published,
    before: ContentEvent | undefined,
    recorded: RecordedFile | null,
    poison: PoisonRecord[],
  ): Promise<Uint8Array | 'live' | null> {
    const { path } = event.data;
    if (recorded?.state === 'deleted') return null;
    if (recorded?.state === 'live' && this.#tree.isIntact(path, recorded.bytes)) return 'live';
    const found =
      before === undefined
        ? await readVersion(this.#store, event.data.path, event.version - 1)
        : checkVersion(before);
    if (found.state === 'poison') poison.push(toPoisonRecord(found, this.#clock));
    return found.state === 'published' ? found.event.body : null;
  }

  /** @returns what stands on disk now, to be committed */
  async #apply(batch: Batch, failures: Map<string, HoldfastError>): Promise<RecordedFile[]> {
    let { replace } = batch;
    if (replace.length + batch.remove.length === 0) return [];
    const letWait = (error: HoldfastError): void => {
      for (const { path } of replace) failures.set(path, error);
      replace = [];
    };
    try {
      if (replace.length > 0) this.#requireRoom();
    } catch (error) {
      letWait(toHoldfastError(error));
    }
    try {
      this.#index.noteIntents([...batch.remove, ...replace].map(intentOf));
    } catch (error) {
      if (!hasCode(error, 'DISK_FULL')) throw error;
      // Deleting needs no intent to be done again, and makes room.
      letWait(error);
    }
    const failed = await this.#tree.change({ replace, remove: batch.remove });
    for (const [path, error] of failed) failures.set(path, error);
    return [...batch.remove, ...replace].filter(({ path }) => !failed.has(path)).map(recordOf);
  }
}

const intentOf = ({ path, temporary, event }: Removal & { event: ContentEvent }): Intent => ({
  path,
  temporary,
  version: event.version,
  position: event.position,
});

export function recordOf({ event }: { event: ContentEvent }): RecordedFile {
  const { version, position } = event;
  const { path } = event.data;
  if (event.type === 'ContentDeleted') {
    const nothing = { sha256: null, md5: null, bytes: null, contentType: null };
    return { path, version, position, state: 'deleted', ...nothing };
  }
  const { sha256, md5, bytes, contentType } = event.data;
  return { path, version, position, state: 'live', sha256, md5, bytes, contentType };
}

export const toPoisonRecord = ({ stream, version, position, error }: Poison, clock: Clock): PoisonRecord => ({
  position,
  stream,
  version,
  code: error.code,
  message: error.message,
  foundAt: clock.now().toISOString(),
});
