import { expect, it } from '@jest/globals';
import type { LogEntry } from '../events.ts';
import type { EventStore, LogPage, SubscribeOptions } from '../ports/event-store.ts';
import type { EventStoreUnderTest } from './event-store.contract.ts';
import { deleted, fixtureId, published, record } from './fixtures.ts';
import { eventually, idsOf, readWholeLog } from './whole-log.ts';

/** Follows the log in the background and keeps all it was handed. */
class Follower {
  readonly pages: LogPage[] = [];
  current = 0;
  /** Rejects with what the iteration throws. */
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();

  constructor(store: EventStore, options: Partial<SubscribeOptions> = {}) {
    this.ended = this.#follow(store, options);
    this.ended.catch(() => undefined);
  }

  get events(): LogEntry[] {
    return this.pages.flatMap(({ events }) => events);
  }

  has(count: number): Promise<void> {
    return eventually(`a subscriber has ${count} events`, () => this.events.length >= count);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async #follow(store: EventStore, options: Partial<SubscribeOptions>): Promise<void> {
    const onCurrent = (): void => {
      this.current += 1;
    };
    for await (const page of store.subscribe({
      after: null,
      signal: this.#stop.signal,
      onCurrent,
      ...options,
    })) {
      this.pages.push(page);
    }
  }
}

const many = (count: number): ReturnType<typeof deleted>[] =>
  Array.from({ length: count }, (_, index) => deleted(`units/${index % 5}.json`));

export function describeSubscribing(given: EventStoreUnderTest): void {
  it('hands out what is there, then what comes, each event once and in order', async () => {
    await record(given.store, ...many(10));
    const follower = new Follower(given.store, { maxCount: 3 });
    await follower.has(11);
    await record(given.store, ...many(4));
    await record(await given.second(), ...many(4));
    await follower.has(19);
    await follower.stop();
    expect(follower.events).toEqual(await readWholeLog(given.store));
    expect(follower.pages.every(({ events }) => events.length <= 3)).toBe(true);
    expect(follower.pages.at(-1)?.next).toBe(await given.store.head());
  });

  it('goes on after a position with exactly the rest', async () => {
    const answers = await record(given.store, ...many(6));
    const follower = new Follower(given.store, { after: answers[2]?.position ?? null });
    await follower.has(3);
    await record(given.store, ...many(1));
    await follower.has(4);
    await follower.stop();
    expect(follower.events).toEqual(await readWholeLog(given.store, { after: answers[2]?.position ?? null }));
  });

  it('says with one empty page that there is nothing yet, and from then on hands out events only', async () => {
    const head = await given.store.head();
    const follower = new Follower(given.store, { after: head });
    await eventually('it has caught up', () => follower.current > 0);
    expect(follower.pages).toEqual([{ events: [], next: head, isEnd: true }]);
    await record(given.store, ...many(1));
    await follower.has(1);
    await follower.stop();
    expect(follower.pages.slice(1).every(({ events }) => events.length > 0)).toBe(true);
  });

  it('moves the position past what the filter leaves out', async () => {
    const follower = new Follower(given.store, { filter: { types: ['ContentPublished'] } });
    const wanted = [published('units/a.json'), published('units/b.json')];
    for (const event of wanted) await record(given.store, ...many(3), event);
    await record(given.store, ...many(3));
    const head = await given.store.head();
    await eventually('the position has reached the head', () => follower.pages.at(-1)?.next === head);
    await follower.stop();
    expect(idsOf(follower.events)).toEqual(wanted.map(({ id }) => id));
    const moves = follower.pages.map(({ next }) => next);
    expect(new Set(moves).size).toBe(moves.length);
  });

  it('hands out bodies when asked to', async () => {
    const follower = new Follower(given.store, { withBodies: true, filter: { types: ['ContentPublished'] } });
    const event = published(
      'units/large.json',
      'x'.repeat(700_000).replace(/^.*$/, (text) => JSON.stringify(text)),
    );
    await record(given.store, event);
    await follower.has(1);
    await follower.stop();
    expect(follower.events).toMatchObject([{ id: event.id }]);
    expect(Buffer.compare((follower.events[0] as typeof event).body, event.body)).toBe(0);
  });

  it('tells again and again, also when nothing happens, that nothing lies beyond', async () => {
    await record(given.store, ...many(3));
    const heard: string[] = [];
    const follower = new Follower(given.store, {
      maxCount: 2,
      onCurrent: () => heard.push(`${follower.events.length} events`),
    });
    await eventually('it was told three times', () => heard.length >= 3, 4_000);
    await follower.stop();
    expect(new Set(heard)).toEqual(new Set(['4 events']));
  });

  it('puts an unreadable event in its place and goes on', async () => {
    const follower = new Follower(given.store, { filter: { streamPrefixes: ['content-'] } });
    await record(given.store, deleted('units/a.json'));
    await given.opened.writeForeign({
      stream: 'content-units/a.json',
      id: fixtureId(),
      type: 'ContentShredded',
      v: 3,
      data: '{}',
    });
    await record(given.store, deleted('units/a.json'));
    await follower.has(3);
    await follower.stop();
    expect(follower.events.map(({ type }) => type)).toEqual([
      'ContentDeleted',
      'Unreadable',
      'ContentDeleted',
    ]);
  });

  it('serves many subscribers, each at its own pace', async () => {
    const followers = Array.from(
      { length: 20 },
      (_, index) => new Follower(given.store, { maxCount: index + 1 }),
    );
    await record(given.store, ...many(30));
    for (const follower of followers) await follower.has(31);
    const whole = await readWholeLog(given.store);
    for (const follower of followers) {
      await follower.stop();
      expect(follower.events).toEqual(whole);
    }
  });

  it('misses nothing while several handles append at once', async () => {
    const follower = new Follower(given.store);
    const stores = [given.store, await given.second()];
    await Promise.all(stores.flatMap((store) => [record(store, ...many(40)), record(store, ...many(40))]));
    await follower.has(161);
    await follower.stop();
    expect(follower.events).toEqual(await readWholeLog(given.store));
  });

  it('waits for a slow consumer, and then hands it the rest', async () => {
    const stop = new AbortController();
    const pages = given.store
      .subscribe({ after: null, maxCount: 4, signal: stop.signal })
      [Symbol.asyncIterator]();
    const seen: LogEntry[] = [...((await pages.next()).value as LogPage).events];
    await record(given.store, ...many(50));
    while (seen.length < 51) seen.push(...((await pages.next()).value as LogPage).events);
    stop.abort();
    expect(await pages.next()).toEqual({ done: true, value: undefined });
    expect(seen).toEqual(await readWholeLog(given.store));
  });

  it('ends without an error when it is told to: before it begins, after the page in hand, and while it waits', async () => {
    const never = new Follower(given.store, { signal: AbortSignal.abort() });
    await never.ended;
    expect(never.pages).toEqual([]);

    await record(given.store, ...many(10));
    const during = new AbortController();
    const pages: LogPage[] = [];
    for await (const page of given.store.subscribe({ after: null, maxCount: 2, signal: during.signal })) {
      pages.push(page);
      during.abort();
    }
    expect(pages).toHaveLength(1);

    const waiting = new Follower(given.store);
    await eventually('it waits', () => waiting.current > 0);
    await waiting.stop();
    expect(waiting.events).toHaveLength(11);
  });

  it('may be left in the middle', async () => {
    await record(given.store, ...many(10));
    const { signal } = new AbortController();
    for await (const page of given.store.subscribe({ after: null, maxCount: 2, signal })) {
      if (page.events.length > 0) break;
    }
    expect(await readWholeLog(given.store)).toHaveLength(11);
  });

  it('throws when the store is closed under it', async () => {
    const follower = new Follower(given.store);
    await eventually('it waits', () => follower.current > 0);
    await given.store.close();
    await expect(follower.ended).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE' });
  });
}
