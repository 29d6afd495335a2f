// Given a log, and a disk that a test damages between two starts: what lies in the live generation?
import { join } from 'node:path';
import type { NewEvent, ReplayParameters } from '@holdfast/domain';
// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- only specs import this file
import { MemoryEventStore, record } from '@holdfast/domain/testing';
// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- only specs import this file
import { readTree, temporaryDirectory } from '@holdfast/storage/testing';
import type { LocalProjectorPorts, ReplayOptions } from '../local-projector.ts';
import { generationsOf, type LocalNode, startLocalNode } from './local-node.ts';

/** A replay to the next generation. */
export const EVERYTHING: ReplayParameters = { until: null, prefix: null, out: null };
export const noProgress: ReplayOptions = {
  onProgress: () => undefined,
  signal: new AbortController().signal,
};

/** One machine with its log: processes start and end on it, and everything goes when the test is over. */
export class LocalWorld {
  readonly #temporary = temporaryDirectory();
  readonly #cleanups: (() => Promise<void> | void)[] = [];
  /** A directory that is the test's own. */
  readonly directory = this.#temporary.path;
  dataDir = join(this.directory, 'data');
  store = new MemoryEventStore();

  /** Appends each to its own stream. */
  given(...events: readonly NewEvent[]): ReturnType<typeof record> {
    return record(this.store, ...events);
  }

  async start(ports: Partial<LocalProjectorPorts> = {}): Promise<LocalNode> {
    const node = await startLocalNode({ store: this.store, dataDir: this.dataDir, ...ports });
    this.onDispose(node.stop);
    return node;
  }

  /** A process that ended after everything in the log was on disk. */
  async ran(): Promise<LocalNode> {
    const node = await this.start();
    await node.projector.caughtUp();
    await node.stop();
    return node;
  }

  /** The way to something in the data directory. */
  at(...names: readonly string[]): string {
    return join(this.dataDir, ...names);
  }

  /** The way to a file of the live generation, or, without names, to all of it. */
  live(...names: readonly string[]): string {
    return this.at('content/', ...names);
  }

  /** What every file of the live generation holds. */
  files(): ReturnType<typeof readTree> {
    return readTree(this.live());
  }

  /** Names of the generations' directories and indexes. */
  generations(): string[] {
    return generationsOf(this.dataDir);
  }

  /** Done before everything that began earlier is cleaned up. */
  onDispose(cleanup: () => Promise<void> | void): void {
    this.#cleanups.push(cleanup);
  }

  async dispose(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
    this.#temporary.remove();
  }
}
