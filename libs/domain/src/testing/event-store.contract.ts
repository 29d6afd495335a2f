import { afterEach, beforeEach, describe } from '@jest/globals';
import type { EventStore } from '../ports/event-store.ts';
import { describeAppending } from './event-store-append.contract.ts';
import { describeBodies } from './event-store-bodies.contract.ts';
import { describeReading } from './event-store-read.contract.ts';
import { describeSubscribing } from './event-store-subscribe.contract.ts';

/** A new log for each test: nothing but its identity is in it. */
export interface OpenedEventStore {
  readonly store: EventStore;
  /** Another handle on the same log, such as another process has. Closed by the suite. */
  openSecond(): Promise<EventStore>;
  /** Puts an event at the end of a stream, past all checks, as a newer version of Holdfast or a damaged disk would. */
  writeForeign(event: ForeignEvent): Promise<void>;
  /** Loses the first piece of a body that lies in chunks. */
  loseFirstChunk(sha256: string): Promise<void>;
  dispose?(): Promise<void> | void;
}

export interface ForeignEvent {
  readonly stream: string;
  readonly id: string;
  readonly type: string;
  readonly v: number;
  /** What should be JSON. */
  readonly data: string;
}

/** What the parts of the suite are given; `second` opens another handle when it is first asked for. */
export interface EventStoreUnderTest {
  readonly opened: OpenedEventStore;
  readonly store: EventStore;
  second(): Promise<EventStore>;
}

/**
 * The event store port, as a specification: every adapter passes it unchanged.
 * @param open  called for each test
 */
export function eventStoreContract(open: () => Promise<OpenedEventStore> | OpenedEventStore): void {
  let opened: OpenedEventStore;
  let others: EventStore[];

  const underTest: EventStoreUnderTest = {
    get opened() {
      return opened;
    },
    get store() {
      return opened.store;
    },
    second: async () => {
      const other = others[0] ?? (await opened.openSecond());
      others = [other];
      return other;
    },
  };

  beforeEach(async () => {
    others = [];
    opened = await open();
  });

  afterEach(async () => {
    for (const store of [...others, opened.store]) await store.close();
    await opened.dispose?.();
  });

  describe('append', () => {
    describeAppending(underTest);
  });
  describe('read', () => {
    describeReading(underTest);
  });
  describe('bodies', () => {
    describeBodies(underTest);
  });
  describe('subscribe', () => {
    describeSubscribing(underTest);
  });
}
