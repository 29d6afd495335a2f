import { describe } from '@jest/globals';
import { bodyStream } from '../log/body-chunks.ts';
import { eventStoreContract } from './event-store.contract.ts';
import { METADATA } from './fixtures.ts';
import { MemoryEventStore, MemoryLog } from './memory-event-store.ts';

describe('MemoryEventStore', () => {
  eventStoreContract(() => {
    const log = new MemoryLog();
    return {
      store: new MemoryEventStore(log),
      openSecond: () => Promise.resolve(new MemoryEventStore(log)),
      writeForeign: ({ stream, ...event }) => {
        const version = log.stream(stream).length;
        log.write({
          ...event,
          stream,
          version,
          metadata: JSON.stringify(METADATA),
          body: null,
          reference: null,
        });
        log.ring();
        return Promise.resolve();
      },
      loseFirstChunk: (sha256) => {
        const stream = bodyStream(sha256);
        log.keepLatest(stream, log.stream(stream).length - 1);
        return Promise.resolve();
      },
    };
  });
});
