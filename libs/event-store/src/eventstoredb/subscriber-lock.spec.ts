import { type EventStore, type HeldLock, type LockKeeper, systemClock } from '@holdfast/domain';
import { eventually } from '@holdfast/domain/testing';
import { type EventStoreDbServer, startEventStoreDb } from '@holdfast/testing/event-store-db';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openEventStoreDb } from './event-store-db-event-store.ts';

const TAKEN = { code: 'LOCK_TAKEN', kind: 'conflict' };

let server: EventStoreDbServer;
let stores: (EventStore & LockKeeper)[];

const open = async (): Promise<EventStore & LockKeeper> => {
  const store = await openEventStoreDb({
    url: server.url,
    clock: systemClock,
    createIfMissing: true,
    deadlineMs: 2_000,
  });
  stores.push(store);
  return store;
};

/** As one does that stands by. */
async function untilTaken(store: LockKeeper): Promise<HeldLock> {
  const taken: HeldLock[] = [];
  await eventually('the lock is taken', async () => {
    taken.push(
      ...(await store.takeLock('cdn').then(
        (held) => [held],
        () => [],
      )),
    );
    return taken.length > 0;
  });
  return taken[0]!;
}

beforeEach(async () => {
  stores = [];
  server = await startEventStoreDb();
});

afterEach(async () => {
  for (const store of stores) await store.close();
  await server.close();
});

describe('a lock of the event store', () => {
  it('is held by one, of each name, and free again when it is released', async () => {
    const [one, other] = [await open(), await open()];
    const held = await one.takeLock('cdn');
    await expect(other.takeLock('cdn')).rejects.toMatchObject(TAKEN);
    await (await other.takeLock('drift-full')).release();
    expect(held.lost.aborted).toBe(false);
    await held.release();
    await held.release();
    await eventually('nobody has it', () => server.persistentSubscribers() === 0);
    await other.takeLock('cdn');
    await expect(one.takeLock('cdn')).rejects.toMatchObject(TAKEN);
  });

  it('is free when its holder closes, and nothing is left on the server', async () => {
    const [one, other] = [await open(), await open()];
    await one.takeLock('cdn');
    await one.close();
    await eventually('nobody has it', () => server.persistentSubscribers() === 0);
    await other.takeLock('cdn');
  });

  it('is lost, and told so, when the connection is cut, and can be taken again', async () => {
    const [one, other] = [await open(), await open()];
    const held = await one.takeLock('cdn');
    server.cut();
    await eventually('it is lost', () => held.lost.aborted);
    await untilTaken(other);
    await expect(one.takeLock('cdn')).rejects.toMatchObject(TAKEN);
  });

  it('is lost when the server ends it without a reason, or restarts', async () => {
    const store = await open();
    const first = await store.takeLock('cdn');
    server.endSubscriptions();
    await eventually('it is lost', () => first.lost.aborted);
    const second = await untilTaken(store);
    server.stop();
    await eventually('it is lost', () => second.lost.aborted);
    await server.start({ keepData: true });
    await untilTaken(store);
  });

  it('EVENT_STORE_UNAVAILABLE: is not had from a server that is silent', async () => {
    const store = await open();
    server.swallow(true);
    await expect(store.takeLock('cdn')).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE' });
    server.swallow(false);
  });

  it('EVENT_STORE_ACCESS_DENIED: is not had from a server that refuses', async () => {
    const store = await open();
    server.faults.refusal = 'access-denied';
    await expect(store.takeLock('cdn')).rejects.toMatchObject({ code: 'EVENT_STORE_ACCESS_DENIED' });
  });
});
