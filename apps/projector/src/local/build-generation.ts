import { type Clock, type EventStore, HoldfastError, type Position } from '@holdfast/domain';
import {
  type BulkDocument,
  BulkTree,
  type FileOperations,
  GenerationIndex,
  generationIndexFile,
  type GenerationName,
  generationRoot,
  makeGeneration,
  nodeFileOperations,
  type PoisonRecord,
  removeGeneration,
} from '@holdfast/storage';
import {
  type Collected,
  collectDocuments,
  type DocumentWalk,
  unreadableContent,
} from './collect-documents.ts';
import { orAborted } from '../runtime/or-aborted.ts';
import { openGeneration, type OpenGeneration } from './live-generation.ts';
import { recordOf, toPoisonRecord } from './materialise.ts';
import type { Poison } from './read-version.ts';
import { CONTENT_FILTER, foldPage } from './wanted.ts';

export interface ReplayProgress {
  readonly phase: 'building' | 'catching up' | 'flipping';
  readonly done: number;
  readonly total: number | null;
}

export interface BuildPorts {
  readonly store: EventStore;
  readonly catalog: DocumentWalk;
  readonly clock: Clock;
  readonly dataDir: string;
  readonly logId: string;
  readonly files?: FileOperations | undefined;
  /** Asked before documents are written; throws DISK_FULL. */
  readonly requireRoom?: (() => void) | undefined;
}

export interface BuildOptions {
  /**
   * `stop`: an operator's replay ends at the first event it cannot work with. `record`: a generation that
   * comes back by itself becomes what the lost one was, dead letters included.
   */
  readonly onPoison: 'stop' | 'record';
  readonly onProgress: (progress: ReplayProgress) => void;
  readonly signal: AbortSignal;
}

export interface BuildCounts {
  documents: number;
  previous: number;
  bytes: number;
}

/** The next generation while it comes into being, beside the live one. What is not flipped to is removed. */
export class GenerationBuild {
  readonly #ports: BuildPorts;
  readonly #options: BuildOptions;
  readonly name: GenerationName;
  readonly counts: BuildCounts = { documents: 0, previous: 0, bytes: 0 };
  #open: OpenGeneration | null = null;

  /** @throws DISK_FULL, STORAGE_UNAVAILABLE */
  constructor(ports: BuildPorts, options: BuildOptions) {
    this.#ports = ports;
    this.#options = options;
    this.name = makeGeneration(ports.dataDir, ports.files);
  }

  /**
   * Writes every document the catalog knows, in bulk, and makes all of it durable at once.
   * @throws EVENT_UNREADABLE where poison stops it; DISK_FULL, STORAGE_UNAVAILABLE, EVENT_STORE_UNAVAILABLE
   */
  async fill(): Promise<void> {
    const { store, catalog, dataDir, logId, files } = this.#ports;
    const { onProgress, signal } = this.#options;
    await orAborted(catalog.caughtUp(), signal);
    // Taken before the walk: what is published during it is met again while catching up.
    const from = catalog.checkpoint;
    const { published, deleted } = catalog.documentCounts();
    const total = published + deleted;
    const indexFile = generationIndexFile(dataDir, this.name);
    const index = GenerationIndex.create(indexFile, { logId, durability: 'normal' });
    const tree = new BulkTree({ root: generationRoot(dataDir, this.name), files });
    try {
      const poison: PoisonRecord[] = [];
      const onPoison = (found: Poison): void => {
        poison.push(this.#judge(found));
      };
      for await (const event of unreadableContent(this.#ports, '')) onPoison(event);
      let done = 0;
      for await (const { collected, walked } of collectDocuments({
        store,
        catalog,
        prefix: '',
        onPoison,
        signal,
      })) {
        this.#ports.requireRoom?.();
        await tree.write(this.#count(documentsOf(collected)));
        index.commit({ files: collected.map(recordOf), poison: poison.splice(0) });
        done += walked;
        onProgress({ phase: 'building', done, total: Math.max(done, total) });
      }
      index.commit({ files: [], poison, checkpoint: from });
      index.close();
      (files ?? nodeFileOperations).flushPath(indexFile);
      await tree.finish();
    } finally {
      index.close();
      await tree.close();
    }
    this.#open = openGeneration(this.#ports, this.name);
  }

  /**
   * Brings it to what was published since, by the recipe of live files.
   * @param target  where to stop; null: at the log's end
   * @throws as `fill`
   */
  async catchUp(target: Position | null): Promise<void> {
    const { store } = this.#ports;
    const { onProgress, signal } = this.#options;
    const { index, materialiser } = this.#generation();
    let after = index.checkpoint;
    for (;;) {
      signal.throwIfAborted();
      if (target !== null && after !== null && after >= target) break;
      const page = await store.readLog({ after, maxCount: 1024, filter: CONTENT_FILTER, withBodies: true });
      const { wanted, unreadable } = foldPage(page, after);
      unreadable.forEach((event) => this.#judge(event));
      const { failures, poison } = await materialiser.settle(wanted, {
        unreadable,
        checkpoint: () => page.next,
      });
      throwFirst(failures);
      const [first] = poison;
      if (first !== undefined && this.#options.onPoison === 'stop') {
        throw new HoldfastError('EVENT_UNREADABLE', first.message, { context: { position: first.position } });
      }
      after = page.next;
      onProgress({ phase: 'catching up', done: wanted.length, total: null });
      if (page.isEnd) break;
    }
    index.commit({ files: [], checkpoint: after });
  }

  /** Hands it over to whoever made it the live one. */
  release(): OpenGeneration {
    return this.#generation();
  }

  close(): void {
    this.#open?.index.close();
  }

  async discard(): Promise<void> {
    this.close();
    await removeGeneration(this.#ports.dataDir, this.name);
  }

  #generation(): OpenGeneration {
    if (this.#open === null) throw new Error('The generation has yet to be filled.');
    return this.#open;
  }

  #count(documents: BulkDocument[]): BulkDocument[] {
    addCounts(this.counts, documents);
    return documents;
  }

  #judge(poison: Poison): PoisonRecord {
    if (this.#options.onPoison === 'stop') throw poison.error;
    return toPoisonRecord(poison, this.#ports.clock);
  }
}

function throwFirst(failures: ReadonlyMap<string, HoldfastError>): void {
  for (const error of failures.values()) throw error;
}

/** What is a file: deleted documents are none. */
export function documentsOf(collected: readonly Collected[]): BulkDocument[] {
  return collected.flatMap(({ event, previous }) =>
    event.type === 'ContentPublished' ? [{ path: event.data.path, bytes: event.body, previous }] : [],
  );
}

export function addCounts(counts: BuildCounts, documents: readonly BulkDocument[]): void {
  for (const { bytes, previous } of documents) {
    counts.documents += 1;
    counts.bytes += bytes.length;
    if (previous !== null) counts.previous += 1;
  }
}
