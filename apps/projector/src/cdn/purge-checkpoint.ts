import { createHash } from 'node:crypto';
import {
  type Clock,
  type EventStore,
  hasCode,
  isPositionAtOrAfter,
  type ObjectStore,
  type Position,
  sha256Of,
  toHoldfastError,
} from '@holdfast/domain';
import { z } from 'zod';
import { orAborted } from '../runtime/or-aborted.ts';
import type { ProjectorLog } from '../runtime/projector-log.ts';
import { Wakeup } from '../runtime/wakeup.ts';

/** `{ "logId": …, "position": … }`: up to where the log's replications are purged. In the bucket, so that it goes with it to another node. */
export const PURGED_KEY = '.holdfast/purged.json';

const purgedSchema = z.object({ logId: z.string(), position: z.string().min(1) });

const SAVE_EVERY_MS = 5_000;
/** A bucket that does not answer holds up no end. */
const LAST_SAVE_MS = 2_000;

export interface PurgeCheckpointPorts {
  readonly store: Pick<EventStore, 'head'>;
  readonly bucket: Pick<ObjectStore, 'get' | 'put'>;
  readonly clock: Clock;
  readonly log: ProjectorLog;
}

/**
 * How far purging has come. It is saved behind what was purged, never ahead, so that after a crash something
 * is purged twice and nothing is left out.
 */
export class PurgeCheckpoint {
  readonly #ports: PurgeCheckpointPorts;
  readonly #logId: string;
  readonly #advanced = new Wakeup();
  /** The log's end when this began: what is replicated while the bucket does not say how far it has come is to be purged too. */
  #begunAt: Position | null = null;
  #position: Position | null = null;
  #saved: Position | null = null;
  #triedAt = Number.NEGATIVE_INFINITY;
  #isFailing = false;

  constructor(ports: PurgeCheckpointPorts, logId: string) {
    this.#ports = ports;
    this.#logId = logId;
  }

  /** Null before `open`. */
  get position(): Position | null {
    return this.#position;
  }

  /**
   * Takes up what the bucket says. Where it says nothing that can be used, purging begins at the log's head, which
   * is saved first: from then on nothing is left out.
   * @throws what the bucket or the log throws while they do not answer
   */
  async open(signal: AbortSignal): Promise<void> {
    const { store, bucket, log } = this.#ports;
    const head = await store.head();
    const start = (this.#begunAt ??= head);
    const found = await this.#read(bucket, signal);
    if (typeof found !== 'string' && isPositionAtOrAfter(head, found.position)) {
      this.#position = this.#saved = found.position;
      return;
    }
    const why =
      typeof found === 'string'
        ? found
        : 'it is past the end of the log, or of another store that the log was copied from';
    log.info({ key: PURGED_KEY, position: start }, `Purging begins at the log's head: ${why}.`);
    await this.#put(start, signal);
    this.#position = start;
  }

  /** Everything up to there is purged, or never can be. */
  advance(position: Position, options: { toBeSaved: boolean }): void {
    this.#position = position;
    // Other events move it too; writing into the bucket for each of them would be for nothing.
    if (options.toBeSaved) this.#advanced.wake();
  }

  /** Saves what moved, at most every 5 s, until the signal aborts. */
  async saveRegularly(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    let advanced = this.#advanced.next(signal);
    while (!signal.aborted) {
      await advanced;
      await clock.sleep(this.#triedAt + SAVE_EVERY_MS - clock.now().getTime(), signal);
      if (signal.aborted) return;
      advanced = this.#advanced.next(signal);
      if (!(await this.#save(signal))) advanced = Promise.resolve();
    }
  }

  /** A last time, and not for long. */
  async close(): Promise<void> {
    if (this.#position === this.#saved) return;
    const [late, done] = [new AbortController(), new AbortController()];
    void this.#ports.clock.sleep(LAST_SAVE_MS, done.signal).then(() => {
      late.abort();
    });
    await this.#save(late.signal);
    done.abort();
  }

  async #save(signal: AbortSignal): Promise<boolean> {
    const position = this.#position;
    if (position === null || position === this.#saved) return true;
    try {
      await this.#put(position, signal);
      this.#isFailing = false;
      return true;
    } catch (error) {
      const { code, message } = toHoldfastError(error);
      if (!this.#isFailing && !signal.aborted) {
        this.#ports.log.warn({ code }, `How far purging has come could not be saved: ${message}`);
      }
      this.#isFailing = true;
      return false;
    }
  }

  async #put(position: Position, signal: AbortSignal): Promise<void> {
    const { bucket, clock } = this.#ports;
    this.#triedAt = clock.now().getTime();
    const bytes = Buffer.from(`${JSON.stringify({ logId: this.#logId, position })}\n`);
    const put = bucket.put(PURGED_KEY, bytes, {
      contentType: 'application/json',
      cacheControl: 'no-cache',
      md5: createHash('md5').update(bytes).digest('hex'),
      metadata: { sha256: sha256Of(bytes), 'holdfast-log': this.#logId },
      signal,
    });
    await orAborted(put, signal);
    this.#saved = position;
  }

  /** @returns why there is none, where there is none */
  async #read(
    bucket: Pick<ObjectStore, 'get'>,
    signal: AbortSignal,
  ): Promise<{ position: Position } | string> {
    let body: Uint8Array;
    try {
      ({ body } = await orAborted(bucket.get(PURGED_KEY, { signal }), signal));
    } catch (error) {
      if (hasCode(error, 'OBJECT_NOT_FOUND')) return `the bucket has no ${PURGED_KEY} yet`;
      throw error;
    }
    const parsed = purgedSchema.safeParse(parseJson(Buffer.from(body).toString()));
    if (!parsed.success) return `the bucket's ${PURGED_KEY} is not what Holdfast wrote`;
    if (parsed.data.logId !== this.#logId) return `the bucket's ${PURGED_KEY} is of another log`;
    return parsed.data;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
