import { randomUUID } from 'node:crypto';
import { binaryEvent, EventStoreDBClient } from '@eventstore/db-client';
import { bodyStream, systemClock } from '@holdfast/domain';
import { eventStoreContract, METADATA } from '@holdfast/domain/testing';
import { type EventStoreDbServer, startEventStoreDb } from '@holdfast/testing/event-store-db';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { openEventStoreDb } from './event-store-db-event-store.ts';

/** Of a server since 25.1, or of one that is told so: ten bodies of 250 KiB are one append. */
const MAX_APPEND_BYTES = 16 * 1024 * 1024;
const url = process.env['TEST_ESDB'];

describe(`EventStoreDbEventStore on ${url === undefined ? 'the test server' : 'the server of TEST_ESDB'}`, () => {
  let own: EventStoreDbServer | null = null;
  let client: EventStoreDBClient;
  let address: string;

  beforeAll(async () => {
    own = url === undefined ? await startEventStoreDb({ maxAppendBytes: MAX_APPEND_BYTES }) : null;
    address = url ?? own?.url ?? '';
    client = EventStoreDBClient.connectionString(address);
  });

  afterAll(async () => {
    await client.dispose();
    await own?.close();
  });

  // All tests share one server, as they share a real one: each has a log of its own on it.
  eventStoreContract(async () => {
    const streamPrefix = `test-${randomUUID()}-`;
    const open = (): ReturnType<typeof openEventStoreDb> =>
      openEventStoreDb({ url: address, clock: systemClock, createIfMissing: true, streamPrefix });
    const credentials = address.includes('tls=false')
      ? { credentials: { username: 'none', password: 'none' } }
      : {};
    return {
      store: await open(),
      openSecond: open,
      writeForeign: async ({ stream, id, type, v, data }) => {
        const { correlationId, causationId, ...rest } = METADATA;
        const metadata = { $correlationId: correlationId, $causationId: causationId, ...rest, v };
        const event = binaryEvent({ id, type, data: Buffer.from(data), metadata });
        await client.appendToStream(streamPrefix + stream, event, credentials);
      },
      loseFirstChunk: async (sha256) => {
        await client.setStreamMetadata(streamPrefix + bodyStream(sha256), { truncateBefore: 1 }, credentials);
      },
    };
  });
});
