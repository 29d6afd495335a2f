import type { HoldfastError, Position } from '@holdfast/domain';
import { judgeFailure } from '../runtime/failure-policy.ts';
import type { Wanted } from './wanted.ts';

/** A path that could not be written: without its body, which is read again from the log. */
export interface WaitingPath {
  readonly path: string;
  readonly version: number;
  readonly position: Position;
  readonly bytes: number;
  /** ISO instant at which the version was published or deleted. */
  readonly since: string;
  readonly resumeAfter: Position | null;
  readonly attempts: number;
  readonly retryAt: number;
  readonly error: HoldfastError;
}

/** The paths that wait, each alone. Immutable: what follows from a commit counts only once it is durable. */
export class WaitingPaths {
  static readonly none = new WaitingPaths(new Map());
  readonly #paths: ReadonlyMap<string, WaitingPath>;

  private constructor(paths: ReadonlyMap<string, WaitingPath>) {
    this.#paths = paths;
  }

  get size(): number {
    return this.#paths.size;
  }

  all(): IterableIterator<WaitingPath> {
    return this.#paths.values();
  }

  attempts(path: string): number {
    return this.#paths.get(path)?.attempts ?? 0;
  }

  without(paths: readonly string[]): WaitingPaths {
    if (paths.length === 0) return this;
    const left = new Map(this.#paths);
    for (const path of paths) left.delete(path);
    return new WaitingPaths(left);
  }

  /** Leaves out what is older than what already waits for its path. */
  newerOnly(wanted: readonly Wanted[]): Wanted[] {
    return wanted.filter(({ event }) => event.version >= (this.#paths.get(event.data.path)?.version ?? 0));
  }

  /** What waits after these were tried. */
  after(
    wanted: readonly Wanted[],
    failures: ReadonlyMap<string, HoldfastError>,
    nowMs: number,
  ): WaitingPaths {
    if (failures.size === 0 && !wanted.some(({ event }) => this.#paths.has(event.data.path))) return this;
    const paths = new Map(this.#paths);
    for (const { event, resumeAfter } of wanted) {
      const { path } = event.data;
      const error = failures.get(path);
      const known = paths.get(path);
      // Last in the map is the one tried last.
      paths.delete(path);
      if (error === undefined) continue;
      const attempts = (known?.attempts ?? 0) + 1;
      const verdict = judgeFailure(error, attempts, 'live');
      if (verdict.do !== 'retry') throw error;
      paths.set(path, {
        path,
        version: event.version,
        position: event.position,
        bytes: event.type === 'ContentPublished' ? event.data.bytes : 0,
        since: known?.since ?? event.metadata.at,
        resumeAfter: known === undefined ? resumeAfter : known.resumeAfter,
        attempts,
        retryAt: nowMs + verdict.afterMs,
        error,
      });
    }
    return new WaitingPaths(paths);
  }

  /** Up to where everything is done, if everything up to `handled` was handed to the projector. */
  checkpoint(handled: Position | null): Position | null {
    let lowest = handled;
    for (const { resumeAfter } of this.#paths.values()) {
      if (lowest !== null && (resumeAfter === null || resumeAfter < lowest)) lowest = resumeAfter;
    }
    return lowest;
  }

  /** Those to be tried again now, the ones tried longest ago first. */
  due(nowMs: number, limits: { count: number; bytes: number }): WaitingPath[] {
    const due: WaitingPath[] = [];
    let bytes = 0;
    for (const waiting of this.#paths.values()) {
      if (waiting.retryAt > nowMs) continue;
      bytes += waiting.bytes;
      if (due.length >= limits.count || (due.length > 0 && bytes > limits.bytes)) break;
      due.push(waiting);
    }
    return due;
  }

  nextRetryAt(): number | null {
    let next: number | null = null;
    for (const { retryAt } of this.#paths.values()) {
      if (next === null || retryAt < next) next = retryAt;
    }
    return next;
  }

  oldestSince(): string | null {
    let oldest: string | null = null;
    for (const { since } of this.#paths.values()) {
      if (oldest === null || since < oldest) oldest = since;
    }
    return oldest;
  }
}
