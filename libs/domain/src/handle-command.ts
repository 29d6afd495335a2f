import type { Position } from './position.ts';
import { HoldfastError, hasCode, isHoldfastError } from './errors.ts';
import {
  type DecidedEvent,
  type EventMetadata,
  type EventOf,
  newEventId,
  type NewEvent,
  type RecordedEvent,
} from './events.ts';
import type { Clock } from './ports/clock.ts';
import type { Appended, EventStore, ExpectedVersion } from './ports/event-store.ts';

/** How one kind of stream decides: pure, so that a specification is history in, command, events out. */
export interface Decider<State, Command, Event extends RecordedEvent> {
  readonly initial: State;
  evolve(state: State, event: Event): State;
  decide(command: Command, state: State): DecidedEvent[];
}

export interface Handled<State> {
  /** As it is now, the appended event included. */
  readonly state: State;
  /** Of the stream's last event; null for a stream that does not exist. */
  readonly version: number | null;
  readonly position: Position | null;
  /** True when an event was appended by this command (or by its first delivery). */
  readonly appended: boolean;
}

const MAX_DECISIONS = 10;
const MAX_APPENDS = 4;
const APPEND_RETRY_MS = 50;

/**
 * Handles commands one after another per stream, so that writers of one process do not conflict with each
 * other, and concurrently across streams. Writers of other processes are met by deciding again.
 */
export class CommandHandler {
  readonly #store: EventStore;
  readonly #clock: Clock;
  /** The last command under way of each stream. */
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(ports: { store: EventStore; clock: Clock }) {
    this.#store = ports.store;
    this.#clock = ports.clock;
  }

  /**
   * Loads the stream's last event (each of our events carries the whole state), decides, and appends
   * expecting the version it read. Nothing decided means nothing appended.
   * @param options.eventId   derived from the request where a client may repeat it (`Idempotency-Key`)
   * @param options.replayed  looks for the event of a first delivery of the same request; it is asked
   *                          before each decision, as the first delivery may have come in between
   * @throws what `decide` throws; STREAM_VERSION_CONFLICT after ten lost races; what `append` throws
   */
  handle<State, Command, Event extends RecordedEvent>(
    stream: string,
    decider: Decider<State, Command, Event>,
    command: Command,
    options: {
      metadata: EventMetadata;
      eventId?: string;
      replayed?: () => Promise<Event | null>;
    },
  ): Promise<Handled<State>> {
    const turn = (this.#tails.get(stream) ?? Promise.resolve()).then(() =>
      this.#handleInTurn(stream, decider, command, options),
    );
    const tail = turn.catch(() => undefined);
    this.#tails.set(stream, tail);
    void tail.then(() => {
      if (this.#tails.get(stream) === tail) this.#tails.delete(stream);
    });
    return turn;
  }

  async #handleInTurn<State, Command, Event extends RecordedEvent>(
    stream: string,
    decider: Decider<State, Command, Event>,
    command: Command,
    options: { metadata: EventMetadata; eventId?: string; replayed?: () => Promise<Event | null> },
  ): Promise<Handled<State>> {
    const id = options.eventId ?? newEventId();
    for (let decision = 1; ; decision += 1) {
      const first = await options.replayed?.();
      if (first) {
        const state = decider.evolve(decider.initial, first);
        return { state, version: first.version, position: first.position, appended: true };
      }
      const events = (await this.#store.readStream(stream, {
        direction: 'backwards',
        maxCount: 1,
      })) as Event[];
      const last = events[0];
      const state = events.reduce((folded, event) => decider.evolve(folded, event), decider.initial);
      const decided = decider.decide(command, state);
      if (decided.length === 0) {
        return { state, version: last?.version ?? null, position: last?.position ?? null, appended: false };
      }
      const newEvents = decided.map((event, index): NewEvent => ({
        ...event,
        id: index === 0 ? id : newEventId(),
        metadata: options.metadata,
      }));
      try {
        const appended = await this.#appendSettled(stream, newEvents, last?.version ?? 'none');
        const recorded = newEvents.map(
          (event, index) =>
            ({
              ...event,
              stream,
              version: appended.version - newEvents.length + 1 + index,
              position: appended.position,
            }) as RecordedEvent as Event,
        );
        return {
          state: recorded.reduce((folded, event) => decider.evolve(folded, event), state),
          version: appended.version,
          position: appended.position,
          appended: true,
        };
      } catch (error) {
        if (!hasCode(error, 'STREAM_VERSION_CONFLICT') || decision === MAX_DECISIONS) throw error;
      }
    }
  }

  /** An append whose outcome is unknown is repeated with the same ids and the same expected version. */
  async #appendSettled(stream: string, events: NewEvent[], expected: ExpectedVersion): Promise<Appended> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#store.append(stream, events, expected);
      } catch (error) {
        const isUnknown = isHoldfastError(error) && error.kind === 'transient';
        if (!isUnknown || attempt === MAX_APPENDS) throw error;
        await this.#clock.sleep(APPEND_RETRY_MS * attempt);
      }
    }
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;
const PAGE = 50;

/**
 * Looks in a document's own stream for the event of an earlier delivery of a request, at most a day back.
 * @returns the event, or null
 */
export async function findEarlierDelivery<Type extends 'ContentPublished' | 'ContentDeleted'>(
  store: EventStore,
  stream: string,
  eventId: string,
  now: Date,
): Promise<EventOf<Type> | null> {
  let fromVersion: number | undefined;
  for (;;) {
    const page = await store.readStream(stream, {
      direction: 'backwards',
      maxCount: PAGE,
      ...(fromVersion === undefined ? {} : { fromVersion }),
    });
    const found = page.find((event) => event.id === eventId);
    if (found) return isOlderThanADay(found, now) ? null : (found as EventOf<Type>);
    const oldest = page.at(-1);
    if (oldest === undefined || page.length < PAGE || oldest.version === 0) return null;
    if (isOlderThanADay(oldest, now)) return null;
    fromVersion = oldest.version - 1;
  }
}

/** An `Idempotency-Key` counts for a day; after that the same key is a new request. */
export const isOlderThanADay = (event: RecordedEvent, now: Date): boolean =>
  now.getTime() - Date.parse(event.metadata.at) > DAY_MS;

export const idempotencyKeyReused = (path: string): HoldfastError =>
  new HoldfastError(
    'IDEMPOTENCY_KEY_REUSED',
    `The Idempotency-Key was used for another request on ${path} within the last 24 hours. Use a new key for a new request.`,
    { context: { path } },
  );
