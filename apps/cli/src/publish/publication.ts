import type { BatchResult } from '@holdfast/api/types';
import type { HoldfastError } from '@holdfast/domain';
import type { SkipReason } from './walk.ts';

const NAMES_KEPT = 100;

export interface Failure {
  readonly path: string;
  readonly code: string;
  readonly detail: string;
}

/** What has become of everything so far: counts of all, names of the first. */
export class Publication {
  published = 0;
  unchanged = 0;
  deleted = 0;
  failed = 0;
  skipped = 0;
  warned = 0;
  readonly failures: Failure[] = [];
  readonly skippedPaths: { path: string; reason: SkipReason }[] = [];
  readonly warnings: { path: string; warnings: readonly string[] }[] = [];

  /** Documents of the directory that need nothing more. */
  get settled(): number {
    return this.published + this.unchanged + this.failed;
  }

  noteUnchanged(): void {
    this.unchanged += 1;
  }

  noteSkipped(path: string, reason: SkipReason): void {
    this.skipped += 1;
    if (this.skippedPaths.length < NAMES_KEPT) this.skippedPaths.push({ path, reason });
  }

  noteFailure(path: string, error: Pick<HoldfastError, 'code' | 'message'>): void {
    this.#fail({ path, code: error.code, detail: error.message });
  }

  noteResult(result: BatchResult): void {
    if (!result.ok)
      return this.#fail({
        path: result.path ?? `line ${result.line}`,
        code: result.code,
        detail: result.detail,
      });
    this[result.action] += 1;
    const { path, warnings = [] } = result;
    if (warnings.length === 0) return;
    this.warned += 1;
    if (this.warnings.length < NAMES_KEPT) this.warnings.push({ path, warnings });
  }

  #fail(failure: Failure): void {
    this.failed += 1;
    if (this.failures.length < NAMES_KEPT) this.failures.push(failure);
  }
}
