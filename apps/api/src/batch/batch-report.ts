import { toHoldfastError } from '@holdfast/domain';
import type { BatchResult } from './batch-result.ts';
import type { ResultStream } from './result-stream.ts';
import type { BatchContext } from './run-line.ts';

/** Hands results on to the client, and counts them for the last line of the answer. */
export class BatchReport {
  readonly #context: BatchContext;
  readonly #results: ResultStream;
  readonly #counts = { published: 0, unchanged: 0, deleted: 0, failed: 0 };
  #position: string | null = null;
  #isCatalogLate = false;

  constructor(context: BatchContext, results: ResultStream) {
    this.#context = context;
    this.#results = results;
  }

  /** A result is told only when every query of this process reflects it. */
  async add(result: BatchResult): Promise<void> {
    const settled = await this.#whenReflected(result);
    this.#counts[settled.ok ? settled.action : 'failed'] += 1;
    this.#note(settled);
    this.#results.add(settled);
  }

  end(): void {
    const { isDryRun: dryRun } = this.#context;
    this.#results.add({ done: true, dryRun, ...this.#counts, position: this.#position });
    this.#results.end();
  }

  async #whenReflected(result: BatchResult): Promise<BatchResult> {
    if (!result.ok || result.position === null || this.#context.isDryRun) return result;
    try {
      // What was waited for in vain once is not waited for by each of the results behind it.
      await this.#context.api.catalog.reached(result.position, this.#isCatalogLate ? { timeoutMs: 0 } : {});
      this.#isCatalogLate = false;
      return result;
    } catch (error) {
      this.#isCatalogLate = true;
      const { line, path } = result;
      const { code, message } = toHoldfastError(error);
      return { line, path, ok: false, code, detail: message };
    }
  }

  #note(result: BatchResult): void {
    const { api, isDryRun } = this.#context;
    if (isDryRun || !result.ok) return;
    api.metrics.documents.inc({ outcome: result.action });
    if (result.action === 'unchanged' || result.position === null) return;
    if (this.#position === null || result.position > this.#position) this.#position = result.position;
  }
}
