import {
  type EventStore,
  type EventType,
  followLog,
  type HoldfastError,
  type LogEntry,
  type LogPage,
  type Position,
  type Clock,
  toHoldfastError,
} from '@holdfast/domain';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { ACTIVITY_TYPES, ActivityCounter } from './activity.ts';
import { encodeFrame, encodeRetry, type Frame, HEARTBEAT } from './frame.ts';

export interface LivePorts {
  readonly store: EventStore;
  readonly clock: Clock;
  /** How everything is now, by the name of the frame that tells it; told when it changes. */
  readonly readState: () => Promise<Readonly<Record<string, unknown>>>;
  readonly onTrouble: (error: HoldfastError) => void;
  /** When a version was published or deleted; null where that is not known. */
  readonly queuedAt: (path: string, version: number) => string | null;
}

const TOLD_ONE_BY_ONE = [
  'ModeChanged',
  'AlertRaised',
  'AlertCleared',
  'JobRequested',
  'JobProgressed',
  'JobFinished',
  'ScanStarted',
  'ScanCompleted',
  'ScanAborted',
] as const satisfies readonly EventType[];

const RETRY_MS = 2_000;
const TELL_EVERY_MS = 1_000;
const HEARTBEAT_MS = 15_000;
/** A client that takes nothing for so long is gone. */
const PATIENCE_MS = 60_000;
const EVENTS_PER_PAGE = 256;

/**
 * Tells one client what changes, until the signal aborts or the client is gone. What it does not take is not read from
 * the log either, so a slow client costs no memory.
 * @param after  the last position that it was told of; null: it begins now
 */
export async function tellLive(
  out: Writable,
  { after, ...ports }: LivePorts & { after: Position | null; signal: AbortSignal },
): Promise<void> {
  const connection = new LiveConnection(out, ports);
  await connection.run(after);
}

class LiveConnection {
  readonly #out: Writable;
  readonly #ports: LivePorts;
  readonly #gone = new AbortController();
  readonly #told = new Map<string, string>();
  readonly #activity: ActivityCounter;
  #position: Position | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;
  #turn: Promise<void> = Promise.resolve();

  constructor(out: Writable, { signal, ...ports }: LivePorts & { signal: AbortSignal }) {
    this.#out = out;
    this.#ports = ports;
    this.#activity = new ActivityCounter(ports.queuedAt);
    const end = (): void => {
      this.#gone.abort();
      signal.removeEventListener('abort', end);
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
    out.once('close', end);
    out.once('error', end);
  }

  async run(after: Position | null): Promise<void> {
    const { signal } = this.#gone;
    const { store, clock, onTrouble } = this.#ports;
    await this.#write(encodeRetry(RETRY_MS));
    await this.#tellState();
    const ticking = this.#tick();
    try {
      await this.#begin(after);
      await followLog({
        store,
        clock,
        after: () => this.#position,
        filter: { types: [...ACTIVITY_TYPES, ...TOLD_ONE_BY_ONE] },
        maxCount: EVENTS_PER_PAGE,
        signal,
        handle: (page) => this.#inTurn(() => this.#take(page)),
        onTrouble,
      });
    } finally {
      this.#gone.abort();
      await ticking;
      this.#out.end();
    }
  }

  /** Says from where on it tells; how everything is can be told while the log is away. */
  async #begin(after: Position | null): Promise<void> {
    const head = await this.#readHead();
    if (head === null) return;
    // From another log, or a later state of this one: whatever it knew, it has to ask again.
    const isLost = after !== null && (after.length !== head.length || after > head);
    this.#position = isLost || after === null ? head : after;
    const position = this.#position;
    await this.#inTurn(() => this.#tell({ event: isLost ? 'reset' : 'hello', data: { head }, id: position }));
  }

  /** @returns null where the client went before the log answered */
  async #readHead(): Promise<Position | null> {
    const { store, clock, onTrouble } = this.#ports;
    const { signal } = this.#gone;
    while (!signal.aborted) {
      try {
        return await store.head();
      } catch (error) {
        onTrouble(toHoldfastError(error));
        await clock.sleep(TELL_EVERY_MS, signal);
      }
    }
    return null;
  }

  async #take({ events, next }: LogPage): Promise<void> {
    for (const event of events) {
      if (!this.#activity.add(event)) {
        await this.#tellActivity();
        await this.#tell({ event: frameNameOf(event), data: viewEvent(event), id: event.position });
      }
      this.#position = event.position;
    }
    this.#position = next;
    if (this.#ports.clock.now().getTime() - this.#toldAt >= TELL_EVERY_MS) await this.#tellActivity();
  }

  async #tellActivity(): Promise<void> {
    if (this.#activity.isQuiet || this.#position === null) return;
    this.#toldAt = this.#ports.clock.now().getTime();
    await this.#tell({ event: 'activity', data: this.#activity.take(), id: this.#position });
  }

  async #tick(): Promise<void> {
    const { clock, onTrouble } = this.#ports;
    const { signal } = this.#gone;
    let aliveAt = clock.now().getTime();
    for (;;) {
      await clock.sleep(TELL_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        await this.#inTurn(async () => {
          await this.#tellActivity();
          await this.#tellState();
          const quietMs = clock.now().getTime() - aliveAt;
          // Less than nothing: the clock was set back, and how long it was is not known.
          if (quietMs >= 0 && quietMs < HEARTBEAT_MS) return;
          aliveAt = clock.now().getTime();
          await this.#write(HEARTBEAT);
        });
      } catch (error) {
        onTrouble(toHoldfastError(error));
      }
    }
  }

  async #tellState(): Promise<void> {
    for (const [event, data] of Object.entries(await this.#ports.readState())) {
      const text = JSON.stringify(data);
      if (this.#told.get(event) === text) continue;
      this.#told.set(event, text);
      await this.#tell({ event, data });
    }
  }

  #tell(frame: Frame): Promise<void> {
    return this.#write(encodeFrame(frame));
  }

  /** Resolves when there is room for more, or the client is gone. */
  async #write(text: string): Promise<void> {
    const { signal } = this.#gone;
    if (signal.aborted || this.#out.write(text)) return;
    const rest = new AbortController();
    const patience = this.#ports.clock.sleep(PATIENCE_MS, AbortSignal.any([signal, rest.signal]));
    const drained = once(this.#out, 'drain', { signal: AbortSignal.any([signal, rest.signal]) }).then(
      () => true,
      () => true,
    );
    const isWell = await Promise.race([drained, patience.then(() => false)]);
    rest.abort();
    if (!isWell && !signal.aborted) this.#out.destroy();
  }

  /** What comes from the log and what comes by time is told one after the other. */
  #inTurn(tell: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(tell);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function frameNameOf({ type }: LogEntry): string {
  if (type.startsWith('Job')) return 'job';
  if (type.startsWith('Scan')) return 'scan';
  if (type.startsWith('Alert')) return 'alert';
  return type === 'ModeChanged' ? 'mode-changed' : 'event';
}

/** The event as it is in the log; an audit has more of it. */
function viewEvent(event: LogEntry) {
  const { stream, position } = event;
  if (event.type === 'Unreadable')
    return { type: event.recordedType, stream, position, at: null, data: null };
  return { type: event.type, stream, position, at: event.metadata.at, data: event.data };
}
