import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  type EventStore,
  followLog,
  HoldfastError,
  type LogPage,
  type Position,
  systemClock,
} from '@holdfast/domain';
import { deleted, eventually, idsOf, published, readWholeLog, record } from '@holdfast/domain/testing';
import { type EventStoreDbServer, startEventStoreDb } from '@holdfast/testing/event-store-db';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Connection } from './connection.ts';
import { openEventStoreDb } from './event-store-db-event-store.ts';

const STREAM = 'content-units/a.json';
const UNAVAILABLE = { code: 'EVENT_STORE_UNAVAILABLE', kind: 'transient' };
const MISMATCH = { code: 'LOG_MISMATCH', kind: 'fatal' };

let server: EventStoreDbServer;
let store: EventStore;
let others: EventStore[];

const open = async (
  options: { deadlineMs?: number; createIfMissing?: boolean } = {},
): Promise<EventStore> => {
  const { deadlineMs = 5_000, createIfMissing = true } = options;
  const opened = await openEventStoreDb({ url: server.url, clock: systemClock, createIfMissing, deadlineMs });
  others.push(opened);
  return opened;
};

/** As a caller does whose append has an unknown outcome: the same ids and version, until there is an answer. */
async function untilAnswered<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.kind !== 'transient' || Date.now() > deadline)
        throw error;
    }
  }
}

/** Follows in the background until it is stopped. */
function follow(from: EventStore, after: string | null = null) {
  const stop = new AbortController();
  const pages: LogPage[] = [];
  const troubles: string[] = [];
  const ended = followLog({
    store: from,
    clock: systemClock,
    after: () => pages.at(-1)?.next ?? after,
    signal: stop.signal,
    handle: (page) => void pages.push(page),
    onTrouble: ({ code }) => void troubles.push(code),
  });
  ended.catch(() => undefined);
  return {
    ...{ pages, troubles, ended },
    ids: () => idsOf(pages.flatMap(({ events }) => events)),
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}

beforeEach(async () => {
  others = [];
  server = await startEventStoreDb();
  store = await open();
});

afterEach(async () => {
  server.swallow(false);
  for (const opened of others) await opened.close();
  await server.close();
});

describe('an append', () => {
  it.each([['none'], ['any']] as const)(
    'whose answer is lost is repeated with the same ids (%s), and stored once',
    async (expected) => {
      server.faults.loseAnswers = 1;
      const events = [published('units/a.json'), deleted('units/a.json')];
      await expect(store.append(STREAM, events, expected)).rejects.toMatchObject(UNAVAILABLE);
      expect(await untilAnswered(() => store.append(STREAM, events, expected))).toMatchObject({ version: 1 });
      expect(idsOf(await store.readStream(STREAM, { maxCount: 10 }))).toEqual(events.map(({ id }) => id));
    },
  );

  it('that is never answered fails at its own deadline', async () => {
    const impatient = await open({ deadlineMs: 500 });
    server.faults.ignoreAppends = 1;
    const append = () => impatient.append(STREAM, [published('units/a.json')], 'none');
    await expect(append()).rejects.toMatchObject(UNAVAILABLE);
    expect(await untilAnswered(append)).toMatchObject({ version: 0 });
  });

  it('of more than the server takes at once has its bodies cut, and is still one append', async () => {
    const events = Array.from({ length: 8 }, (_, index) =>
      published('units/a.json', JSON.stringify(String(index).repeat(200_000))),
    );
    expect(await store.append(STREAM, events, 'none')).toMatchObject({ version: 7 });
    const stored = await store.readStream(STREAM, { maxCount: 10, withBodies: true });
    expect(stored.map(({ body }) => Buffer.from(body ?? []).toString())).toEqual(
      events.map(({ body }) => Buffer.from(body).toString()),
    );
  });

  it('goes through while connections are cut again and again', async () => {
    const events = Array.from({ length: 60 }, () => deleted('units/a.json'));
    for (const [index, event] of events.entries()) {
      if (index % 4 === 0) server.faults.loseAnswers = 1;
      if (index % 7 === 0) server.cut();
      await untilAnswered(() => store.append(STREAM, [event], index === 0 ? 'none' : index - 1));
    }
    expect(idsOf(await untilAnswered(() => store.readStream(STREAM, { maxCount: 100 })))).toEqual(
      events.map(({ id }) => id),
    );
  });
});

describe('reads', () => {
  const reading: [string, (log: EventStore, at: Position, index: number) => Promise<unknown>][] = [
    [
      'streams that do not exist',
      (log, _, index) => log.readStream(`content-none/${index}.json`, { maxCount: 1 }),
    ],
    ['single events', (log, at) => log.readAt([at])],
    ['the head', (log) => log.head()],
    ['short pages', (log, at) => log.readLog({ after: at, maxCount: 1 })],
  ];

  it.each(reading)(
    'of %s, by the thousand, keep their connection',
    async (_, read) => {
      // In one process with the client the server is never quick enough to see what it resets.
      const program = fileURLToPath(new URL('../../../../scripts/event-store-db.ts', import.meta.url));
      const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'ignore'] });
      try {
        const [printed] = (await once(child.stdout, 'data')) as [Buffer];
        const url = /esdb:[^']*/.exec(printed.toString())?.[0] ?? '';
        const other = await openEventStoreDb({ url, clock: systemClock, createIfMissing: true });
        others.push(other);
        const { position } = await other.append(STREAM, [deleted('units/a.json')], 'any');
        for (let index = 0; index < 50; index += 1)
          await other.append(STREAM, [deleted('units/a.json')], 'any');
        const rounds = Array.from({ length: 12_000 }, (_, index) => index).values();
        const readers = Array.from({ length: 128 }, async () => {
          for (const index of rounds) await read(other, position, index);
        });
        await Promise.all(readers);
        await other.close();
      } finally {
        child.kill();
      }
    },
    60_000,
  );
});

describe('a server', () => {
  it('that is not ready, or not the leader, is unavailable until it is', async () => {
    for (const refusal of ['not-ready', 'not-leader'] as const) {
      server.faults.refusal = refusal;
      await expect(store.append(STREAM, [deleted('units/a.json')], 'any')).rejects.toMatchObject(UNAVAILABLE);
      await expect(store.head()).rejects.toMatchObject(UNAVAILABLE);
      server.faults.refusal = null;
      await untilAnswered(() => store.append(STREAM, [deleted('units/a.json')], 'any'));
    }
  });

  it('that lets nobody in is no matter of trying again', async () => {
    server.faults.refusal = 'access-denied';
    const denied = { code: 'EVENT_STORE_ACCESS_DENIED', kind: 'denied' };
    await expect(store.append(STREAM, [deleted('units/a.json')], 'none')).rejects.toMatchObject(denied);
    await expect(store.readLog({ after: null, maxCount: 1 })).rejects.toMatchObject(denied);
    await expect(open()).rejects.toMatchObject(denied);
    await expect(follow(store).ended).rejects.toMatchObject(denied);
  });

  it('that is slow is waited for, up to the deadline', async () => {
    const impatient = await open({ deadlineMs: 1_000 });
    server.faults.delayMs = 20;
    await record(impatient, deleted('units/a.json'));
    server.faults.delayMs = 4_000;
    await expect(impatient.readStream(STREAM, { maxCount: 1 })).rejects.toMatchObject(UNAVAILABLE);
  });

  it('that swallows everything is found out, and used again when it speaks', async () => {
    const impatient = await open({ deadlineMs: 500 });
    const follower = follow(impatient);
    await eventually('it follows', () => follower.ids().length === 1);
    server.swallow(true);
    await expect(impatient.head()).rejects.toMatchObject(UNAVAILABLE);
    await eventually('the follower knows', () => follower.troubles.length > 0);
    server.swallow(false);
    server.cut();
    await untilAnswered(() => record(impatient, deleted('units/a.json')));
    await eventually('it follows again', () => follower.ids().length === 2, 30_000);
    await follower.stop();
  });

  it('that takes a connection and never speaks on it is left for a connection of its own', async () => {
    // gRPC shares connections between the stores of a process.
    await store.close();
    const impatient = await open({ deadlineMs: 500 });
    const follower = follow(impatient);
    await eventually('it follows', () => follower.ids().length === 1);
    server.swallow(true);
    server.cut();
    await eventually('it waits for the new connection', async () => {
      const error = await impatient.head().catch((failed: Error) => failed);
      return error instanceof HoldfastError && error.message.includes('nothing came within 500 ms');
    });
    server.swallow(false);
    await untilAnswered(() => record(impatient, deleted('units/a.json')));
    await eventually('it follows again', () => follower.ids().length === 2, 30_000);
    await follower.stop();
  });

  it.each([
    ['in HTTP/2', 1, 'false'],
    ['in TLS', 1, 'true'],
    ['in HTTP/2, on both its nodes', 2, 'false'],
    ['in TLS, on both its nodes', 2, 'true'],
  ])('that never speaks, %s, is tried again, and no connection is left', async (_, nodes, tls) => {
    const open = new Set<Socket>();
    let taken = 0;
    const silent = Array.from({ length: nodes }, () =>
      createServer((socket) => {
        taken += 1;
        open.add(socket.on('error', () => undefined).on('close', () => open.delete(socket)));
        socket.resume();
      }),
    );
    for (const node of silent) await once(node.listen(0, '127.0.0.1'), 'listening');
    const hosts = silent.map((node) => `127.0.0.1:${(node.address() as AddressInfo).port}`);
    const connection = new Connection(`esdb://${hosts.join()}?tls=${tls}&gossipTimeout=1`, 100);
    const read = (): Promise<unknown> =>
      connection.readAll({ direction: 'backwards', from: null, maxCount: 1 }).next();
    const until = performance.now() + (nodes === 1 ? 1_500 : 5_000);
    while (performance.now() < until) await expect(read()).rejects.toBeInstanceOf(Error);
    await connection.close();
    // The last ones have their time still.
    try {
      await eventually('every connection is ended', () => open.size === 0);
    } finally {
      for (const socket of open) socket.destroy();
      for (const node of silent) await new Promise((resolve) => node.close(resolve));
    }
    expect(taken).toBeGreaterThanOrEqual(2);
  });

  it('that is not there does not open, and says so without its password', async () => {
    server.stop();
    const url = server.url.replace('127', 'somebody:secret@127');
    const failed = openEventStoreDb({ url, clock: systemClock, createIfMissing: true, deadlineMs: 2_000 });
    await expect(failed).rejects.toMatchObject(UNAVAILABLE);
    await expect(failed).rejects.not.toThrow('secret');
    await server.start({ keepData: true });
  });
});

describe('a restart', () => {
  it('with its data changes nothing but a moment', async () => {
    await record(store, deleted('units/a.json'));
    const before = await readWholeLog(store);
    server.stop();
    await expect(store.head()).rejects.toMatchObject(UNAVAILABLE);
    await server.start({ keepData: true });
    expect(await untilAnswered(() => readWholeLog(store))).toEqual(before);
  });

  it('without its data is found out before anything is stored in the new log', async () => {
    await record(store, deleted('units/a.json'));
    server.stop();
    await server.start({ keepData: false });
    const append = (): Promise<unknown> =>
      store.append('content-units/b.json', [deleted('units/b.json')], 'none');
    await eventually('the old connection is gone', () =>
      append().then(
        () => true,
        ({ kind }) => kind === 'fatal',
      ),
    );
    await expect(append()).rejects.toMatchObject(MISMATCH);
    await expect(open({ createIfMissing: false })).rejects.toMatchObject(MISMATCH);
    const other = await open();
    expect(await readWholeLog(other)).toHaveLength(1);
    await expect(append()).rejects.toMatchObject(MISMATCH);
    await expect(follow(store).ended).rejects.toMatchObject(MISMATCH);
  });
});

describe('a subscription', () => {
  it('hands out each event once and in order while connections are cut', async () => {
    const writer = await open();
    const follower = follow(store);
    const events = Array.from({ length: 120 }, (_, index) => deleted(`units/${index % 3}.json`));
    for (const [index, event] of events.entries()) {
      if (index % 20 === 10) server.cut();
      await untilAnswered(() => record(writer, event));
    }
    await eventually('all have come', () => follower.ids().length === events.length + 1, 30_000);
    expect(follower.ids().slice(1)).toEqual(events.map(({ id }) => id));
    expect(follower.troubles.length).toBeGreaterThan(0);
    await follower.stop();
  });

  it('that ends without an error is a drop', async () => {
    const follower = follow(store);
    await eventually('it follows', () => server.subscriptions() === 1 && follower.ids().length === 1);
    server.endSubscriptions();
    await eventually('it is told', () => follower.troubles.includes('EVENT_STORE_UNAVAILABLE'));
    await record(store, deleted('units/a.json'));
    await eventually('it follows again', () => follower.ids().length === 2);
    await follower.stop();
  });

  it('needs no word of the server that it has caught up', async () => {
    server.faults.saysCaughtUp = false;
    const follower = follow(store);
    await eventually('it knows the end', () => follower.pages.some(({ isEnd }) => isEnd));
    await follower.stop();
  });

  it('from a position past the end of the log is refused: the log was restored from before', async () => {
    const head = await store.head();
    const past = `9${head.slice(1)}`;
    await expect(follow(store, past).ended).rejects.toMatchObject(MISMATCH);
  });

  it('reads no further ahead of its consumer than what fits between them', async () => {
    for (let batch = 0; batch < 10; batch += 1) {
      const events = Array.from({ length: 40 }, () =>
        published('units/a.json', JSON.stringify('x'.repeat(20_000))),
      );
      await store.append(STREAM, events, 'any');
    }
    const { signal } = new AbortController();
    const pages = store.subscribe({ after: null, maxCount: 1, signal })[Symbol.asyncIterator]();
    // The first page is read, what follows is subscribed to.
    for (let page = 0; page < 2; page += 1) await pages.next();
    await record(store, deleted('units/b.json'));
    expect(server.calls['EventSent']).toBeGreaterThan(0);
    expect(server.calls['EventSent']).toBeLessThan(300);
    await pages.return?.();
  });
});

describe('closing', () => {
  it('leaves nothing on the server, also of subscriptions that nobody ends', async () => {
    const pages = store
      .subscribe({ after: null, signal: new AbortController().signal })
      [Symbol.asyncIterator]();
    await pages.next();
    const next = pages.next();
    await eventually('it is subscribed', () => server.subscriptions() === 1);
    await store.readLog({ after: null, maxCount: 1 });
    expect(server.connections()).toBe(1);
    await store.close();
    await expect(next).rejects.toMatchObject(UNAVAILABLE);
    await eventually('nothing is left', () => server.subscriptions() + server.connections() === 0);
  });

  it('cancels what a page did not need', async () => {
    for (let count = 0; count < 20; count += 1) await record(store, deleted('units/a.json'));
    for await (const page of store.subscribe({
      after: null,
      maxCount: 2,
      signal: new AbortController().signal,
    })) {
      if (page.events.length > 0) break;
    }
    await eventually('the subscription has ended', () => server.subscriptions() === 0);
  });
});
