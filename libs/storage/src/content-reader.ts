import type { Position } from '@holdfast/domain';
import { isContentPath, isPositionAtOrAfter, toHoldfastError } from '@holdfast/domain';
import { openDoorbell } from '@holdfast/sqlite';
import { dataPaths } from './data-paths.ts';
import { type GenerationName, generationRoot, liveGeneration } from './generations.ts';
import { IndexReader } from './index-reader.ts';
import { type LiveFile, openFileBelow } from './live-file.ts';
import type { RecordedFile } from './recorded-file.ts';

/** Looks for changes that no bell announced. */
const POLL_MS = 250;
/** A generation is replaced by the next one at most as fast as one can be built. */
const MAX_FLIPS_MET = 3;

/**
 * Reads the live generation while the local projector writes it. Every call resolves the content link anew, so
 * a flip is seen at once; without a live generation there is nothing to be found, and nothing is thrown.
 */
export interface ContentReader {
  /** The live generation's name, such as `000001`; null while there is none. */
  generation(): GenerationName | null;
  /**
   * What the live generation's index says; null for a path it has never had.
   * @throws STORAGE_UNAVAILABLE, SCHEMA_TOO_NEW, DATABASE_CORRUPT
   */
  recorded(path: string): RecordedFile | null;
  /** Every content event up to here is on disk; null: none, or no live generation. Throws as `recorded`. */
  checkpoint(): Position | null;
  /**
   * Opens a document's file without following any symbolic link below the generation.
   * @returns null where it is not there: the caller closes what it gets
   * @throws STORAGE_UNAVAILABLE
   */
  openLive(path: string): LiveFile | null;
  /**
   * Waits until the local file has this version or a newer one, or the checkpoint has passed the position.
   * @returns false after `timeoutMs`, or when the signal aborts
   */
  reached(
    path: string,
    version: number,
    position: Position,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<boolean>;
  /**
   * @param callback  called after the local projector committed something, and after a flip; perhaps for nothing
   * @returns a function that ends it
   */
  onChange(callback: () => void): () => void;
  close(): void;
}

export function openContentReader(options: { dataDir: string }): ContentReader {
  return new GenerationReader(options.dataDir);
}

class GenerationReader implements ContentReader {
  readonly #dataDir: string;
  readonly #bell;
  readonly #listeners = new Set<() => void>();
  #index: IndexReader | null = null;
  #stopWatching: (() => void) | null = null;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#bell = openDoorbell(dataPaths(dataDir).localBell);
  }

  generation(): GenerationName | null {
    return liveGeneration(this.#dataDir);
  }

  recorded(path: string): RecordedFile | null {
    return this.#liveIndex()?.recorded(path) ?? null;
  }

  checkpoint(): Position | null {
    return this.#liveIndex()?.checkpoint() ?? null;
  }

  openLive(path: string): LiveFile | null {
    if (!isContentPath(path)) return null;
    let name = liveGeneration(this.#dataDir);
    for (let attempt = 1; name !== null; attempt += 1) {
      const file = openFileBelow(generationRoot(this.#dataDir, name), path);
      if (file !== null || attempt === MAX_FLIPS_MET) return file;
      // Not there: perhaps because the generation was replaced, and removed, since the link was read.
      const now = liveGeneration(this.#dataDir);
      if (now === name) return null;
      name = now;
    }
    return null;
  }

  async reached(
    path: string,
    version: number,
    position: Position,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<boolean> {
    const { timeoutMs, signal } = options;
    const has = (): boolean =>
      (this.recorded(path)?.version ?? -1) >= version || isPositionAtOrAfter(this.checkpoint(), position);
    if (has()) return true;
    if (signal?.aborted === true) return false;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        stop();
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        settle();
      };
      const giveUp = (): void => end(() => resolve(false));
      const look = (): void => {
        try {
          if (has()) end(() => resolve(true));
        } catch (error) {
          end(() => reject(toHoldfastError(error)));
        }
      };
      const timer = setTimeout(giveUp, timeoutMs);
      const stop = this.onChange(look);
      signal?.addEventListener('abort', giveUp);
      look();
    });
  }

  onChange(callback: () => void): () => void {
    const listener = (): void => callback();
    this.#listeners.add(listener);
    this.#stopWatching ??= this.#watch();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#unwatch();
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#unwatch();
    this.#bell.close();
    this.#index?.close();
    this.#index = null;
  }

  #watch(): () => void {
    const notify = (): void => {
      for (const listener of [...this.#listeners]) listener();
    };
    let seen = this.#changeMark();
    const poll = setInterval(() => {
      const mark = this.#changeMark();
      if (mark === seen) return;
      seen = mark;
      notify();
    }, POLL_MS);
    poll.unref();
    const stopListening = this.#bell.listen(notify);
    return () => {
      clearInterval(poll);
      stopListening();
    };
  }

  #unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
  }

  /** Differs after each commit and each flip; what goes wrong here is told to whoever asks for something. */
  #changeMark(): string {
    try {
      const index = this.#liveIndex();
      return index === null ? '' : `${index.generation}:${index.commitMark()}`;
    } catch {
      return 'unreadable';
    }
  }

  #liveIndex(): IndexReader | null {
    const name = liveGeneration(this.#dataDir);
    if (this.#index !== null && this.#index.generation === name && this.#index.isSameFile())
      return this.#index;
    this.#index?.close();
    this.#index = null;
    if (name !== null) this.#index = IndexReader.open(this.#dataDir, name);
    return this.#index;
  }
}
