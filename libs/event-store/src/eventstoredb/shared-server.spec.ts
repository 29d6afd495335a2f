import { type EventStore, type LogPage, systemClock } from '@holdfast/domain';
import { deleted, eventually, idsOf, record } from '@holdfast/domain/testing';
import { type EventStoreDbServer, startEventStoreDb } from '@holdfast/testing/event-store-db';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { openEventStoreDb } from './event-store-db-event-store.ts';

const FOREIGN = 5_000;
const STREAM = 'content-units/a.json';

let server: EventStoreDbServer;
let opened: EventStore[];

async function open(streamPrefix: string): Promise<EventStore> {
  const store = await openEventStoreDb({
    url: server.url,
    clock: systemClock,
    createIfMissing: true,
    streamPrefix,
  });
  opened.push(store);
  return store;
}

async function fill(store: EventStore): Promise<void> {
  for (let batch = 0; batch < 10; batch += 1) {
    const events = Array.from({ length: FOREIGN / 10 }, () => deleted('units/a.json'));
    await store.append(STREAM, events, 'any');
  }
}

const sent = (): number => server.calls['EventSent'] ?? 0;

beforeEach(async () => {
  opened = [];
  server = await startEventStoreDb();
});

afterEach(async () => {
  for (const store of opened) await store.close();
  await server.close();
});

it('is sent nothing of the other logs on its server', async () => {
  const own = await open('own-');
  const other = await open('other-');
  const [first] = await record(own, deleted('units/a.json'));
  await fill(other);
  await record(own, deleted('units/b.json'));
  await fill(other);
  const before = sent();

  expect((await own.readLog({ after: null, maxCount: 10 })).events).toHaveLength(3);
  expect((await own.readLog({ after: null, maxCount: 10, direction: 'backwards' })).events).toHaveLength(3);
  const { next } = await own.readLog({
    after: first?.position ?? null,
    maxCount: 10,
    filter: { types: ['ModeChanged'] },
  });
  expect(next).toBe(await own.head());
  const stop = new AbortController();
  const pages: LogPage[] = [];
  let current = 0;
  const following = (async () => {
    const subscribed = own.subscribe({
      after: first?.position ?? null,
      signal: stop.signal,
      onCurrent: () => (current += 1),
    });
    for await (const page of subscribed) pages.push(page);
  })();
  await eventually('it has looked three times', () => current >= 3);
  stop.abort();
  await following;
  expect(idsOf(pages.flatMap(({ events }) => events))).toHaveLength(1);
  // Its own three a few times, and the head for each look.
  expect(sent() - before).toBeLessThan(40);
});

it('appends to any version without reading the stream again and again', async () => {
  const own = await open('own-');
  const events = Array.from({ length: 50 }, () => deleted('units/a.json'));
  const reads = server.calls['Read'] ?? 0;
  const appended = [];
  for (const event of events) appended.push(await own.append(STREAM, [event], 'any'));
  // Of the stream, and of the log's first event, which is looked at each second.
  expect((server.calls['Read'] ?? 0) - reads).toBeLessThan(10);

  expect(await own.append(STREAM, [events[7]!], 'any')).toEqual(appended[7]);
  const meanwhile = deleted('units/a.json');
  await (await open('own-')).append(STREAM, [meanwhile], 'any');
  expect(await own.append(STREAM, [meanwhile], 'any')).toMatchObject({ version: 50 });
  expect(await own.append(STREAM, [deleted('units/a.json')], 'any')).toMatchObject({ version: 51 });
});

it('hands out what comes in quick succession together', async () => {
  const own = await open('own-');
  const stop = new AbortController();
  const sizes: number[] = [];
  let current = 0;
  const following = (async () => {
    const subscribed = own.subscribe({ after: null, signal: stop.signal, onCurrent: () => (current += 1) });
    for await (const { events } of subscribed) if (current > 0) sizes.push(events.length);
  })();
  await eventually('it follows', () => current > 0);
  const writers = Array.from({ length: 10 }, (_, path) =>
    record(own, ...Array.from({ length: 30 }, () => deleted(`units/${path}.json`))),
  );
  await Promise.all(writers);
  const count = (): number => sizes.reduce((sum, size) => sum + size, 0);
  await eventually('all have come', () => count() === 300);
  stop.abort();
  await following;
  expect(sizes.length).toBeLessThan(100);
});
