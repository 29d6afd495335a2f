import { HoldfastError, nodeStream } from '@holdfast/domain';
import { EventStoreDbLogTarget } from '../eventstoredb/event-store-db-log-target.ts';
import { SqliteLogSource } from '../sqlite/sqlite-log-source.ts';
import { differenceOf, isNodeReport, named, type StoredEvent } from './stored-event.ts';
import { UnfinishedJobs } from './unfinished-jobs.ts';

export interface CopyLogOptions {
  readonly from: { readonly file: string };
  readonly to: { readonly url: string; readonly streamPrefix: string };
  readonly onProgress: (progress: CopyProgress) => void;
  /** Ends the copy between two events; the same call goes on where it ended. */
  readonly signal: AbortSignal;
}

export interface CopyProgress {
  readonly phase: 'comparing' | 'copying' | 'verifying';
  readonly done: number;
  readonly total: number;
}

export interface CopyReport {
  readonly logId: string;
  /** In both logs now, compared one by one. */
  readonly events: number;
  /** Of those, by this call. */
  readonly copied: number;
  /** False: the product has the source open, so that more may come; copy again once it is stopped. */
  readonly isComplete: boolean;
}

/**
 * Copies the log of one machine to an EventStoreDB, event by event: ids, versions, the order of the whole log, metadata and
 * bodies are the same there. What nodes report of themselves is left out. The target must be empty, or the beginning of
 * the source: then the copy goes on. At the end both are read again from their beginnings and compared.
 * @throws LOG_COPY_REFUSED, having written nothing; LOG_COPY_DIFFERS; EVENT_UNREADABLE, DATA_DIR_UNUSABLE,
 *         DATABASE_CORRUPT, SCHEMA_TOO_NEW; EVENT_STORE_UNAVAILABLE, EVENT_STORE_ACCESS_DENIED, CONFIG_INVALID;
 *         the signal's reason
 */
export async function copyLog(options: CopyLogOptions): Promise<CopyReport> {
  const source = new SqliteLogSource(options.from.file);
  try {
    const target = new EventStoreDbLogTarget(options.to, options.signal);
    try {
      return await new LogCopy(source, target, options).run();
    } finally {
      await target.close();
    }
  } finally {
    source.close();
  }
}

class LogCopy {
  readonly #source: SqliteLogSource;
  readonly #target: EventStoreDbLogTarget;
  readonly #options: CopyLogOptions;
  readonly #total: number;

  constructor(source: SqliteLogSource, target: EventStoreDbLogTarget, options: CopyLogOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#total = source.countOutside(nodeStream(''));
  }

  async run(): Promise<CopyReport> {
    const { isAlone } = this.#source;
    const { logId, present } = await this.#compareBeginnings();
    await this.#copyAfter(present);
    await this.#verify();
    return { logId, events: this.#total, copied: this.#total - present, isComplete: isAlone };
  }

  /** Looks at all of the source before anything is written. */
  async #compareBeginnings(): Promise<{ logId: string; present: number }> {
    const { server } = this.#target;
    const jobs = new UnfinishedJobs();
    let [logId, present] = ['', 0];
    await this.#besideTheirs('comparing', (event, theirs, done) => {
      if (event === null) {
        if (theirs !== null) throw isInUse(server, theirs);
        return;
      }
      if (done === 0) logId = identityOf(event);
      jobs.look(event);
      if (!this.#target.canTake(event)) throw cannotTake(event);
      if (theirs === null) return;
      if (differenceOf(event, theirs) !== null) throw refuseTarget(server, event, theirs);
      present += 1;
    });
    if (this.#source.isAlone) jobs.refuse();
    return { logId, present };
  }

  async #copyAfter(present: number): Promise<void> {
    for await (const [event, done] of this.#ours('copying')) {
      if (done >= present) await this.#target.append(event);
    }
  }

  async #verify(): Promise<void> {
    const { server } = this.#target;
    await this.#besideTheirs('verifying', (event, theirs) => {
      if (event === null) {
        if (theirs !== null) throw differs(server, theirs, 'is only');
        return;
      }
      if (theirs === null) throw differs(server, event, 'is missing');
      const difference = differenceOf(event, theirs);
      if (difference !== null) throw differs(server, event, `differs in its ${difference}`);
    });
  }

  /**
   * Walks both logs from their beginnings.
   * @param look  gets each of our events with the one at its place in the target, null where it has ended; at last null, and
   *              what the target has beyond
   */
  async #besideTheirs(
    phase: CopyProgress['phase'],
    look: (event: StoredEvent | null, theirs: StoredEvent | null, done: number) => void,
  ): Promise<void> {
    const theirs = this.#theirs();
    try {
      let next = await theirs.next();
      for await (const [event, done] of this.#ours(phase)) {
        look(event, next.done === true ? null : next.value, done);
        if (next.done !== true) next = await theirs.next();
      }
      look(null, next.done === true ? null : next.value, this.#total);
    } finally {
      await theirs.return();
    }
  }

  /** The events to be copied, with how many came before. */
  async *#ours(phase: CopyProgress['phase']): AsyncGenerator<[StoredEvent, number], void, undefined> {
    const { onProgress, signal } = this.#options;
    let done = 0;
    for (const event of this.#source.events()) {
      if (isNodeReport(event)) continue;
      signal.throwIfAborted();
      yield [event, done];
      done += 1;
      onProgress({ phase, done, total: this.#total });
      // Whoever waits for a timer or a signal gets a turn.
      if (done % TURN_EVERY === 0) await new Promise(setImmediate);
    }
  }

  async *#theirs(): AsyncGenerator<StoredEvent, void, undefined> {
    for await (const event of this.#target.events()) if (!isNodeReport(event)) yield event;
  }
}

const TURN_EVERY = 256;

/** @throws LOG_COPY_REFUSED */
function identityOf(first: StoredEvent): string {
  if (first.type === 'LogCreated') return (JSON.parse(first.data) as { logId: string }).logId;
  throw refused(`its source does not begin with the event that names the log, but with ${named(first)}`);
}

const refused = (why: string, context: Record<string, unknown> = {}): HoldfastError =>
  new HoldfastError('LOG_COPY_REFUSED', `The log is not copied, and nothing was written: ${why}.`, {
    context,
  });

const refuseTarget = (server: string, ours: StoredEvent, theirs: StoredEvent): HoldfastError =>
  refused(
    theirs.type === 'LogCreated' && ours.type === 'LogCreated'
      ? `there is another log at ${server} already. Copy to an empty server, or give this log a HOLDFAST_EVENT_STORE_PREFIX of its own`
      : `what is at ${server} is not the beginning of this log: it has ${named(theirs)}, where this log has ${named(ours)}. Copy to an empty server, or give this log a HOLDFAST_EVENT_STORE_PREFIX of its own`,
    { server, expected: named(ours), found: named(theirs) },
  );

const isInUse = (server: string, theirs: StoredEvent): HoldfastError =>
  refused(
    `the log at ${server} goes on where the source ends, with ${named(theirs)}: it is in use already, so its source is the older one`,
    { server, found: named(theirs) },
  );

const cannotTake = (event: StoredEvent): HoldfastError =>
  refused(
    `${named(event)} cannot be stored by the other server byte for byte, as it is damaged. Restore the log from a backup`,
    { stream: event.stream, version: event.version },
  );

const differs = (server: string, event: StoredEvent, how: string): HoldfastError =>
  new HoldfastError(
    'LOG_COPY_DIFFERS',
    `The copy at ${server} is not the same log: ${named(event)} ${how} there. Do not use it; copy again to an empty server.`,
    { context: { server, stream: event.stream, version: event.version } },
  );
