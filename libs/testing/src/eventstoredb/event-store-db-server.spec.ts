import {
  BACKWARDS,
  END,
  EventStoreDBClient,
  jsonEvent,
  NO_STREAM,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '../product.ts';
import { type EventStoreDbServer, startEventStoreDb } from './event-store-db-server.ts';

/** With credentials of its own an append is one call, which is what the server knows. */
const credentials = { username: 'nobody', password: 'ignored' };
const id = (nth: number): string => `00000000-0000-4000-8000-${String(nth).padStart(12, '0')}`;
const event = (nth: number, size = 0) =>
  jsonEvent({
    id: id(nth),
    type: 'Counted',
    data: { nth, filler: 'x'.repeat(size) },
    metadata: { by: 'me' },
  });

let server: EventStoreDbServer;
let client: EventStoreDBClient;

const append = (stream: string, nths: number[], expectedRevision: bigint | typeof NO_STREAM) =>
  client.appendToStream(
    stream,
    nths.map((nth) => event(nth)),
    { expectedRevision, credentials },
  );

beforeEach(async () => {
  server = await startEventStoreDb();
  client = EventStoreDBClient.connectionString(server.url);
});

afterEach(async () => {
  await client.dispose();
  await server.close();
});

describe('the EventStoreDB server', () => {
  it('appends at the expected revision, answers a repeat as the first time, and refuses anything else', async () => {
    const first = await append('a-1', [0, 1], NO_STREAM);
    expect(first).toMatchObject({ success: true, nextExpectedRevision: 1n });
    await append('a-1', [2], 1n);
    expect(await append('a-1', [0, 1], NO_STREAM)).toEqual(first);
    await expect(append('a-1', [0, 3], NO_STREAM)).rejects.toMatchObject({
      type: 'wrong-expected-version',
      actualVersion: 2n,
    });
    await expect(append('b-1', [0], 4n)).rejects.toMatchObject({ actualVersion: 'no_stream' });
    await expect(
      client.appendToStream('b-1', event(0, 1024 * 1024), { expectedRevision: NO_STREAM, credentials }),
    ).rejects.toMatchObject({ type: 'maximum-append-size-exceeded', maxAppendSize: 1024 * 1024 });
  });

  it('reads streams and the log both ways, and knows what is not there', async () => {
    await append('a-1', [0, 1, 2], NO_STREAM);
    const nths = async (
      events: AsyncIterable<{ event?: { id: string; type: string } }>,
    ): Promise<string[]> => {
      const found: string[] = [];
      for await (const { event: read } of events) if (read?.type === 'Counted') found.push(read.id);
      return found;
    };
    expect(await nths(client.readStream('a-1', { fromRevision: 1n }))).toEqual([id(1), id(2)]);
    expect(await nths(client.readStream('a-1', { direction: BACKWARDS, fromRevision: END }))).toEqual([
      id(2),
      id(1),
      id(0),
    ]);
    expect(await nths(client.readAll())).toEqual([id(0), id(1), id(2)]);
    expect(await nths(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 2 }))).toEqual([
      id(2),
      id(1),
    ]);
    await expect(nths(client.readStream('none'))).rejects.toMatchObject({ type: 'stream-not-found' });
    await expect(nths(client.readAll({ fromPosition: { commit: 1n, prepare: 1n } }))).rejects.toMatchObject({
      code: 3,
    });
  });

  it('hides what a stream is told to forget from reads of it', async () => {
    await append('a-1', [0, 1, 2], NO_STREAM);
    for (const [metadata, left] of [
      [{ maxCount: 2 }, [1n, 2n]],
      [{ truncateBefore: 2 }, [2n]],
    ] as const) {
      await client.setStreamMetadata('a-1', metadata, { credentials });
      const revisions: bigint[] = [];
      for await (const { event: read } of client.readStream('a-1')) revisions.push(read?.revision ?? -1n);
      expect(revisions).toEqual(left);
    }
  });

  it('feeds a subscription what there is and what comes, past its filter, and lets go of it', async () => {
    await append('a-1', [0], NO_STREAM);
    await append('b-1', [1], NO_STREAM);
    const [found, checkpoints]: [string[], bigint[]] = [[], []];
    const subscription = client.subscribeToAll({
      fromPosition: START,
      filter: streamNameFilter({
        prefixes: ['a-'],
        checkpointReached: (_, { commit }) => void checkpoints.push(commit),
      }),
    });
    subscription.on('data', ({ event: read }) => found.push(read?.id ?? ''));
    await append('a-2', [2], NO_STREAM);
    await waitFor('both events', () => found.length === 2);
    expect(found).toEqual([id(0), id(2)]);
    await waitFor('a checkpoint', () => checkpoints.length > 0);
    expect(server.subscriptions()).toBe(1);
    await subscription.unsubscribe();
    await waitFor('the end of the subscription', () => server.subscriptions() === 0);
  });

  it('sends a reader that does not read no more than it has room for', async () => {
    const events = Array.from({ length: 20 }, (_, nth) => event(nth, 30_000));
    for (let stream = 0; stream < 10; stream += 1) {
      await client.appendToStream(`a-${stream}`, events, { expectedRevision: NO_STREAM, credentials });
    }
    const subscription = client.subscribeToAll({ fromPosition: START }, { highWaterMark: 1 });
    await waitFor('the first events', () => subscription.readableLength > 0);
    await append('b-1', [99], NO_STREAM);
    expect(server.calls['EventSent']).toBeLessThan(100);
    await subscription.unsubscribe();
  });
});

describe('a fault', () => {
  it('loses the answer to an append that is stored', async () => {
    server.faults.loseAnswers = 1;
    await expect(append('a-1', [0], NO_STREAM)).rejects.toMatchObject({ type: 'unavailable' });
    expect(await append('a-1', [0], NO_STREAM)).toMatchObject({ nextExpectedRevision: 0n });
    expect(server.calls).toMatchObject({ Append: 2 });
  });

  it('refuses calls in the words of the server', async () => {
    for (const [refusal, type] of [
      ['not-ready', 'unavailable'],
      ['not-leader', 'not-leader'],
      ['access-denied', 'access-denied'],
    ] as const) {
      server.faults.refusal = refusal;
      await expect(append('a-1', [0], NO_STREAM)).rejects.toMatchObject({ type });
    }
    server.faults.refusal = null;
    await append('a-1', [0], NO_STREAM);
  });

  it('takes the server away and brings it back at the same address, with its data or without', async () => {
    await append('a-1', [0], NO_STREAM);
    server.stop();
    await expect(append('a-1', [1], 0n)).rejects.toMatchObject({ type: 'unavailable' });
    await server.start({ keepData: true });
    await append('a-1', [1], 0n);
    server.stop();
    await server.start({ keepData: false });
    await expect(append('a-1', [2], 1n).catch(() => append('a-1', [2], 1n))).rejects.toMatchObject({
      actualVersion: 'no_stream',
    });
  });

  it('ends subscriptions without an error', async () => {
    const subscription = client.subscribeToAll({ fromPosition: END });
    await waitFor('the subscription', () => server.subscriptions() === 1);
    server.endSubscriptions();
    let events = 0;
    for await (const { event: read } of subscription) events += Number(read?.type === 'Counted');
    expect(events).toBe(0);
  });
});
