import { opendirSync } from 'node:fs';
import { join } from 'node:path';
import { type BulkDocument, writeInBulk } from './bulk-write.ts';
import { BulkThread } from './bulk-thread.ts';
import { SHARED_BARRIER_FROM } from './content-tree.ts';
import { fileFailure } from './file-errors.ts';
import { type FileOperations, nodeFileOperations } from './file-operations.ts';

const FLUSH_AHEAD_BYTES = 16 * 1024 * 1024;

/**
 * Fills a directory that nobody reads yet with whole documents. Nothing is durable, and no name is protected
 * from a crash, until `finish` has flushed all of it at once: what is half built is thrown away.
 */
export class BulkTree {
  readonly root: string;
  readonly #files: FileOperations;
  readonly #made = new Set<string>();
  /** Files are written in a thread of their own while this one reads what comes next. */
  #thread: BulkThread | null = null;
  readonly #mayUseThread: boolean;
  #written = 0;
  #unflushedBytes = 0;
  #flushing: Promise<void> | null = null;

  /**
   * @param options.root   exists and is empty
   * @param options.files  for specs: everything then happens in this thread
   */
  constructor(options: { root: string; files?: FileOperations | undefined }) {
    this.root = options.root;
    this.#files = options.files ?? nodeFileOperations;
    this.#mayUseThread = options.files === undefined;
  }

  /**
   * Writes the documents, or takes them over to write them soon; a failure may then come with a later call.
   * @param documents  their bytes must not be used any more
   * @throws DISK_FULL, STORAGE_UNAVAILABLE
   */
  async write(documents: readonly BulkDocument[]): Promise<void> {
    // The first batch is written here: a small tree needs no thread.
    if (this.#mayUseThread && this.#written >= SHARED_BARRIER_FROM) {
      this.#thread ??= new BulkThread(this.root, this.#made);
    }
    this.#written += documents.length;
    this.#flushAhead(documents);
    try {
      if (this.#thread !== null) await this.#thread.write(documents);
      else writeInBulk(this.root, this.#files, this.#made, documents);
    } catch (error) {
      throw fileFailure(error, { attempted: 'write documents to', file: this.root });
    }
  }

  /** Keeps the disk busy while the next documents are read, so that little is left for `finish`, which alone counts. */
  #flushAhead(documents: readonly BulkDocument[]): void {
    for (const { bytes, previous } of documents)
      this.#unflushedBytes += bytes.length + (previous?.length ?? 0);
    if (this.#unflushedBytes < FLUSH_AHEAD_BYTES || this.#flushing !== null) return;
    this.#unflushedBytes = 0;
    this.#flushing = this.#files
      .flushFileSystem(this.root)
      .catch(() => undefined)
      .finally(() => {
        this.#flushing = null;
      });
  }

  /** Makes everything durable. Throws as `write`. */
  async finish(): Promise<void> {
    try {
      await this.#thread?.end();
    } catch (error) {
      throw fileFailure(error, { attempted: 'write documents to', file: this.root });
    }
    // A few files need not wait for all that others have written to the same disk.
    if (this.#written < SHARED_BARRIER_FROM) return this.#flushEach(this.root);
    try {
      await this.#files.flushFileSystem(this.root);
    } catch {
      await this.#flushEach(this.root);
    }
  }

  /** Ends the thread, if there is one; to be called however it went. */
  async close(): Promise<void> {
    await this.#thread?.stop();
  }

  async #flushEach(directory: string): Promise<void> {
    try {
      for await (const entry of opendirSync(directory)) {
        const path = join(directory, entry.name);
        if (entry.isDirectory()) await this.#flushEach(path);
        else this.#files.flushPath(path);
      }
      this.#files.flushPath(directory);
    } catch (error) {
      throw fileFailure(error, { attempted: 'flush', file: directory });
    }
  }
}
