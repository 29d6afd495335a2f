import { describe, expect, it } from '@jest/globals';
import { NO_PRECONDITION, type ContentCommand } from './content/commands.ts';
import { contentDecider } from './content/decider.ts';
import { contentStream } from './content/events.ts';
import { HoldfastError } from './errors.ts';
import { derivedEventId, type EventMetadata, type NewEvent } from './events.ts';
import { CommandHandler, findEarlierDelivery } from './handle-command.ts';
import { systemClock } from './ports/clock.ts';
import type { AppendOptions, ExpectedVersion } from './ports/event-store.ts';
import { deleted, document, METADATA, path, published, record } from './testing/fixtures.ts';
import { MemoryEventStore } from './testing/memory-event-store.ts';

const PATH = path('units/u1.json');
const STREAM = contentStream(PATH);

const publish = (content: unknown, ifMatch: number | null = null): ContentCommand => ({
  type: 'PublishContent',
  path: PATH,
  document: document(PATH, content),
  precondition: { ...NO_PRECONDITION, ifMatch },
});

const handlerOf = (store: MemoryEventStore) => {
  const handler = new CommandHandler({ store, clock: systemClock });
  return (command: ContentCommand, eventId?: string) =>
    handler.handle(STREAM, contentDecider, command, {
      metadata: METADATA,
      ...(eventId === undefined
        ? {}
        : { eventId, replayed: () => findEarlierDelivery(store, STREAM, eventId, new Date(METADATA.at)) }),
    });
};

const storedTypes = async (store: MemoryEventStore): Promise<string[]> =>
  (await store.readStream(STREAM, { maxCount: 1_000 })).map((event) => event.type);

/** Stores the event, and then the answer gets lost, once. */
class AnswerLost extends MemoryEventStore {
  #lost = false;

  override async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedVersion,
    options?: AppendOptions,
  ) {
    const appended = await super.append(stream, events, expected, options);
    if (this.#lost) return appended;
    this.#lost = true;
    throw new HoldfastError('EVENT_STORE_UNAVAILABLE', 'the connection was cut');
  }
}

/** Another process writes between reading and appending, a number of times. */
class Raced extends MemoryEventStore {
  #races: number;

  constructor(races: number) {
    super();
    this.#races = races;
  }

  override async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedVersion,
    options?: AppendOptions,
  ) {
    if (this.#races > 0) {
      this.#races -= 1;
      await super.append(stream, [published(PATH, { race: this.#races })], 'any');
    }
    return super.append(stream, events, expected, options);
  }
}

describe('CommandHandler', () => {
  it('appends what was decided and gives the state after it', async () => {
    const handle = handlerOf(new MemoryEventStore());
    await expect(handle(publish(1))).resolves.toMatchObject({
      version: 0,
      appended: true,
      state: { status: 'published' },
    });
    await expect(handle(publish(2))).resolves.toMatchObject({ version: 1, appended: true });
  });

  it('appends nothing when nothing is decided', async () => {
    const store = new MemoryEventStore();
    const handle = handlerOf(store);
    const first = await handle(publish(1));
    await expect(handle(publish(1))).resolves.toMatchObject({
      version: 0,
      position: first.position,
      appended: false,
    });
    expect(await storedTypes(store)).toEqual(['ContentPublished']);
  });

  it('FR-019 lets the last of many writers win, each version whole', async () => {
    const store = new MemoryEventStore();
    const handle = handlerOf(store);
    const handled = await Promise.all(Array.from({ length: 50 }, (_, index) => handle(publish(index))));
    expect(handled.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    const [last] = await store.readStream(STREAM, { direction: 'backwards', maxCount: 1, withBodies: true });
    expect(Buffer.from(last?.body ?? []).toString()).toBe('49');
  });

  it('repeats an append whose outcome is unknown without storing it twice', async () => {
    const store = new AnswerLost();
    await expect(handlerOf(store)(publish(1))).resolves.toMatchObject({ version: 0, appended: true });
    expect(await storedTypes(store)).toEqual(['ContentPublished']);
  });

  it('decides again when another process wrote first', async () => {
    const store = new Raced(3);
    await expect(handlerOf(store)(publish(['mine']))).resolves.toMatchObject({ version: 3, appended: true });
  });

  it('answers a precondition that another process broke with VERSION_MISMATCH', async () => {
    const store = new Raced(0);
    await record(store, published(PATH, 0));
    const raced = new Raced(1);
    await record(raced, published(PATH, 0));
    await expect(handlerOf(store)(publish(1, 0))).resolves.toMatchObject({ version: 1 });
    await expect(handlerOf(raced)(publish(1, 0))).rejects.toMatchObject({ code: 'VERSION_MISMATCH' });
  });

  it('gives up after ten lost races', async () => {
    const handled = handlerOf(new Raced(100))(publish(['mine']));
    await expect(handled).rejects.toMatchObject({ code: 'STREAM_VERSION_CONFLICT' });
  });

  it('goes on with the next command of a stream after one that failed', async () => {
    const handle = handlerOf(new MemoryEventStore());
    const [wrong, right] = await Promise.allSettled([handle(publish(1, 7)), handle(publish(2))]);
    expect(wrong).toMatchObject({ status: 'rejected', reason: { code: 'VERSION_MISMATCH' } });
    expect(right).toMatchObject({ status: 'fulfilled', value: { version: 0 } });
  });

  it('answers a repeated request as the first time, whatever was published since', async () => {
    const store = new MemoryEventStore();
    const handle = handlerOf(store);
    const id = derivedEventId('key-1');
    const first = await handle(publish(['mine']), id);
    await handle(publish(['theirs']));
    const again = await handle(publish(['mine']), id);
    expect(again).toMatchObject({ version: first.version, position: first.position, appended: true });
    expect(await storedTypes(store)).toHaveLength(2);
  });
});

describe('findEarlierDelivery', () => {
  const at = (instant: string): EventMetadata => ({ ...METADATA, at: instant });

  it('finds an event some pages back, and none older than a day', async () => {
    const store = new MemoryEventStore();
    const old = { ...published(PATH, ['old']), metadata: at('2026-01-01T00:00:00.000Z') };
    const recent = { ...published(PATH, ['recent']), metadata: at('2026-01-04T12:00:00.000Z') };
    await record(
      store,
      old,
      ...Array.from({ length: 60 }, (_, index) => ({
        ...published(PATH, index),
        metadata: at('2026-01-02T00:00:00.000Z'),
      })),
    );
    await record(
      store,
      recent,
      ...Array.from({ length: 120 }, (_, index) => published(PATH, index)),
      deleted(PATH),
    );
    const now = new Date(METADATA.at);
    await expect(findEarlierDelivery(store, STREAM, recent.id, now)).resolves.toMatchObject({
      id: recent.id,
    });
    await expect(findEarlierDelivery(store, STREAM, old.id, now)).resolves.toBeNull();
  });

  it('takes a key older than a day for a new request, however few events came since', async () => {
    const store = new MemoryEventStore();
    const old = { ...published(PATH, 3), metadata: at('2026-01-01T00:00:00.000Z') };
    await record(store, old, published(PATH, 4));
    const find = (now: string) => findEarlierDelivery(store, STREAM, old.id, new Date(now));
    await expect(find('2026-01-01T23:00:00.000Z')).resolves.toMatchObject({ id: old.id });
    await expect(find('2026-01-02T01:00:00.000Z')).resolves.toBeNull();
  });
});
