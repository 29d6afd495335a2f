import { HoldfastError, isHoldfastError, type LocalEntry } from '@holdfast/domain';
import { Worker } from 'node:worker_threads';
import type { WalkAnswer, WalkRequest } from './walk-worker.ts';

interface Waiting {
  readonly resolve: (entries: readonly (LocalEntry | null)[]) => void;
  readonly reject: (error: Error) => void;
}

/** So that neither waits for the other where their pages take unequal times. */
const PAGES_AHEAD = 4;

/** A thread that walks directories and hashes files, a few pages ahead of its reader. */
export class WalkThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #failure: Error | null = null;

  constructor() {
    this.#worker = new Worker(new URL('./walk-worker.ts', import.meta.url));
    this.#worker.on('message', (answer: WalkAnswer) => {
      const waiting = this.#waiting.shift();
      if ('error' in answer) waiting?.reject(readFailure(answer.error));
      else waiting?.resolve(answer.entries);
    });
    this.#worker.on('error', (error) => {
      this.#fail(error as Error);
    });
    this.#worker.on('exit', () => {
      this.#fail(new Error('The thread that walks the local files has ended.'));
    });
  }

  /**
   * Everything below a directory, as `walkTree` has it, in pages.
   * @throws STORAGE_UNAVAILABLE where the directory itself cannot be read
   */
  async *pages(root: string): AsyncGenerator<readonly LocalEntry[]> {
    await this.#ask({ ask: 'begin', root });
    const ahead: Promise<readonly (LocalEntry | null)[]>[] = [];
    const askForNext = (): void => {
      const next = this.#ask({ ask: 'next' });
      // Whoever stops reading is not told of what follows.
      next.catch(() => undefined);
      ahead.push(next);
    };
    while (ahead.length < PAGES_AHEAD) askForNext();
    for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
      const page = (await next) as readonly LocalEntry[];
      if (page.length === 0) return;
      askForNext();
      yield page;
    }
  }

  /** What stands at each path now, in the same order; null: nothing. */
  async look(root: string, paths: readonly string[]): Promise<readonly (LocalEntry | null)[]> {
    return paths.length === 0 ? [] : this.#ask({ ask: 'look', root, paths });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(request: WalkRequest): Promise<readonly (LocalEntry | null)[]> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

/** Codes of ours come through the thread's border as they were. */
function readFailure({ message, code }: { message: string; code: string | undefined }): Error {
  const error = Object.assign(new Error(message), { code, kind: '' });
  if (!isHoldfastError(error)) return error;
  return new HoldfastError(error.code, message);
}
