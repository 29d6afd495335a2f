import { join } from 'node:path';
import {
  contentStream,
  newEventId,
  type NewEvent,
  parsePath,
  prepareDocument,
  systemClock,
} from '@holdfast/domain';
import { openSqliteEventStore } from '@holdfast/event-store';
import { freshDirectory, makeDocument, round } from './measure.ts';
import type { Measured } from './run.ts';

const EVENTS = 4_000;
const METADATA = {
  correlationId: 'bench',
  causationId: 'bench',
  actor: 'bench',
  at: '2026-11-01T08:00:00.000Z',
};

/** Events a second, one writer after another against 64 at once, fsync on: what group commit is for. */
export async function measureAppend(): Promise<Measured[]> {
  const directory = freshDirectory();
  const store = await openSqliteEventStore({
    file: join(directory, 'events.db'),
    bellFile: join(directory, 'events.bell'),
    clock: systemClock,
    createIfMissing: true,
  });
  let made = 0;
  /** Events a second of `count` appends to as many streams by so many writers. */
  const rate = async (writers: number, count: number): Promise<number> => {
    const events = Array.from({ length: count }, () => makeEvent((made += 1)));
    const started = performance.now();
    await Promise.all(
      Array.from({ length: writers }, async () => {
        for (let event = events.pop(); event !== undefined; event = events.pop()) {
          await store.append(contentStream(event.data.path), [event], 'none');
        }
      }),
    );
    return Math.round((count / (performance.now() - started)) * 1_000);
  };
  await rate(64, 500);
  const one = await rate(1, EVENTS / 4);
  const many = await rate(64, EVENTS);
  await store.close();
  const ratio = round(many / one);
  return [
    {
      name: 'append, 64 writers',
      value: ratio,
      unit: 'x one by one',
      aim: '>= 5 x',
      met: ratio >= 5,
      detail: `${many}/s against ${one}/s, 9 KB bodies`,
    },
  ];
}

function makeEvent(index: number): NewEvent & { type: 'ContentPublished' } {
  const path = parsePath(`units/u${index}.json`);
  const bytes = Buffer.from(makeDocument(index, 9_000));
  const document = prepareDocument({ path, contentType: 'application/json', bytes });
  const { contentType, sha256, md5, sourceSha256, body } = document;
  const data = { path, contentType, bytes: body.length, sha256, md5, sourceSha256, links: [] };
  return { id: newEventId(), type: 'ContentPublished', data, body, metadata: METADATA };
}
