import { HoldfastError } from '@holdfast/domain';
import type { StoredEvent } from './stored-event.ts';

/**
 * Jobs that are under way and hold a position. One log's position means nothing in its copy: a deletion that went on there could not
 * tell what was published after it was asked for.
 */
export class UnfinishedJobs {
  readonly #streams = new Set<string>();

  look({ type, stream, data }: StoredEvent): void {
    if (type === 'JobRequested' && holdsPosition(data)) this.#streams.add(stream);
    if (type === 'JobFinished') this.#streams.delete(stream);
  }

  /** @throws LOG_COPY_REFUSED */
  refuse(): void {
    const [stream] = this.#streams;
    if (stream === undefined) return;
    const job = stream.replace(/^job-/, '');
    throw new HoldfastError(
      'LOG_COPY_REFUSED',
      `The log is not copied, and nothing was written: job ${job}, a deletion of a directory or a replay up to a position, is not finished. Start Holdfast on the source, wait until GET /v1/jobs/${job} says so, stop it and copy again.`,
      { context: { jobs: [...this.#streams] } },
    );
  }
}

function holdsPosition(data: string): boolean {
  const { kind, parameters } = JSON.parse(data) as {
    kind?: unknown;
    parameters?: { until?: { position?: unknown } | null };
  };
  return kind === 'directory-deletion' || parameters?.until?.position !== undefined;
}
