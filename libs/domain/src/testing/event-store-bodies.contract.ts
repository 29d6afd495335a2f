import { expect, it } from '@jest/globals';
import { bodyStream, cutBody } from '../log/body-chunks.ts';
import { sha256Of } from '../content/document.ts';
import type { LogEntry, NewEvent, RecordedEvent } from '../events.ts';
import type { EventStore } from '../ports/event-store.ts';
import type { EventStoreUnderTest } from './event-store.contract.ts';
import { fixtureId, METADATA, newEvent, path, published, record } from './fixtures.ts';
import { readAllPages, readWholeLog } from './whole-log.ts';

const KIB = 1024;
const STREAM = 'content-units/a.json';

/** Bytes that need not be JSON: the store does not ask. */
const withBody = (body: Uint8Array, at = 'units/a.json'): NewEvent => ({
  type: 'ContentPublished',
  id: fixtureId(),
  metadata: METADATA,
  data: {
    path: path(at),
    contentType: 'application/json',
    bytes: body.length,
    sha256: sha256Of(body),
    md5: 'd41d8cd98f00b204e9800998ecf8427e',
    sourceSha256: sha256Of(body),
    links: [],
  },
  body,
});

/** JSON text of that many bytes, different all along so that no piece equals another. */
const text = (bytes: number, seed = 'a'): Buffer => {
  const lines = Array.from({ length: Math.ceil(bytes / 12) }, (_, line) =>
    `${seed}${line}`.padStart(12, '.'),
  );
  return Buffer.from(`"${lines.join('').slice(0, bytes - 2)}"`);
};

const bodyOf = (entry: LogEntry | undefined): Uint8Array | undefined =>
  entry === undefined || entry.type === 'Unreadable' ? undefined : entry.body;

const readBack = async (store: EventStore, stream = STREAM): Promise<RecordedEvent | undefined> =>
  (await store.readStream(stream, { direction: 'backwards', maxCount: 1, withBodies: true }))[0];

const chunksOf = (store: EventStore, body: Uint8Array): Promise<RecordedEvent[]> =>
  store.readStream(bodyStream(sha256Of(body)), { maxCount: 1_000, withBodies: true });

const isSame = (body: Uint8Array | undefined, expected: Uint8Array): boolean =>
  body !== undefined && Buffer.compare(body, expected) === 0;

export function describeBodies(given: EventStoreUnderTest): void {
  it('gives bodies to those who ask for them only', async () => {
    const event = published('units/a.json');
    const [appended] = await record(given.store, event);
    const at = [appended?.position ?? ''];
    for (const withBodies of [true, false, undefined]) {
      const asked = withBodies === undefined ? {} : { withBodies };
      const [inStream] = await given.store.readStream(STREAM, { maxCount: 1, ...asked });
      const inLog = (await readWholeLog(given.store, asked)).at(-1);
      const [there] = await given.store.readAt(at, asked);
      for (const entry of [inStream, inLog, there]) {
        expect(isSame(bodyOf(entry), event.body)).toBe(withBodies === true);
        expect(entry !== undefined && 'body' in entry).toBe(withBodies === true);
      }
    }
  });

  it.each([
    ['no bytes', Buffer.alloc(0)],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28, 0x80])],
    ['text of any script', Buffer.from('{"größe":"名前 𝒂 \u2028"}\r\n\t')],
    ['many bytes that are no text', Buffer.alloc(300 * KIB, 0xff)],
  ])('keeps a body of %s as it is', async (_what, body) => {
    await given.store.append(STREAM, [withBody(body)], 'none');
    expect(isSame((await readBack(given.store))?.body, body)).toBe(true);
  });

  it('keeps a body in its event while it has at most 256 KiB as JSON text, and in chunks above', async () => {
    const inside = [text(256 * KIB - 4), Buffer.alloc(128 * KIB - 1, '"'), Buffer.alloc(192 * KIB - 3, 0xff)];
    const outside = [text(256 * KIB - 3), Buffer.alloc(128 * KIB, '"'), Buffer.alloc(192 * KIB, 0xff)];
    for (const body of [...inside, ...outside]) {
      await given.store.append(STREAM, [withBody(body)], 'any');
      expect(isSame((await readBack(given.store))?.body, body)).toBe(true);
      expect(await chunksOf(given.store, body)).toHaveLength(outside.includes(body) ? 1 : 0);
    }
  });

  it('keeps 16 MiB as pieces of at most 512 KiB encoded, and one event in the stream of the document', async () => {
    const body = text(16 * KIB * KIB);
    expect((await given.store.append(STREAM, [withBody(body)], 'none')).version).toBe(0);
    expect(isSame((await readBack(given.store))?.body, body)).toBe(true);
    const chunks = await chunksOf(given.store, body);
    expect(chunks.map(({ type }) => type)).toEqual(chunks.map(() => 'BodyChunk'));
    expect(chunks.map(({ data }) => data)).toEqual(
      chunks.map((_, index) => ({ index, count: chunks.length })),
    );
    expect(
      Math.max(...chunks.map((chunk) => Buffer.from(chunk.body ?? []).toString('base64').length)),
    ).toBeLessThanOrEqual(512 * KIB);
    expect(isSame(Buffer.concat(chunks.map((chunk) => chunk.body ?? new Uint8Array())), body)).toBe(true);
    const order = (await readWholeLog(given.store)).map(({ type }) => type);
    expect(order.lastIndexOf('BodyChunk')).toBeLessThan(order.indexOf('ContentPublished'));
  });

  it('stores a body once that two documents share, also when they are published at once', async () => {
    const body = text(900 * KIB);
    const streams = ['content-units/a.json', 'content-units/b.json', 'content-units/c.json'];
    const other = await given.second();
    await Promise.all([
      given.store.append('content-units/a.json', [withBody(body, 'units/a.json')], 'none'),
      other.append('content-units/b.json', [withBody(body, 'units/b.json')], 'none'),
    ]);
    await given.store.append('content-units/c.json', [withBody(body, 'units/c.json')], 'none');
    for (const stream of streams)
      expect(isSame((await readBack(given.store, stream))?.body, body)).toBe(true);
    expect(await chunksOf(given.store, body)).toHaveLength(3);
  });

  it('finishes what a crash left of a body', async () => {
    const body = text(900 * KIB);
    const { chunks, reference } = cutBody(body);
    const [first] = chunks;
    const event = newEvent({ type: 'BodyChunk', data: { index: 0, count: chunks.length } }, first?.id);
    await given.store.append(bodyStream(reference.sha256), [{ ...event, body: first?.body ?? body }], 'none');
    await given.store.append(STREAM, [withBody(body)], 'none');
    expect(isSame((await readBack(given.store))?.body, body)).toBe(true);
    expect(await chunksOf(given.store, body)).toHaveLength(3);
  });

  it('stores nothing twice when an append with a large body is repeated', async () => {
    const event = withBody(text(600 * KIB));
    const first = await given.store.append(STREAM, [event], 'none');
    expect(await given.store.append(STREAM, [event], 'none')).toEqual(first);
    expect(await given.store.head()).toBe(first.position);
  });

  it('leaves the document as it was when an append with a large body loses the race', async () => {
    await given.store.append(STREAM, [withBody(text(100))], 'none');
    await expect(given.store.append(STREAM, [withBody(text(600 * KIB))], 'none')).rejects.toMatchObject({
      code: 'STREAM_VERSION_CONFLICT',
    });
    expect(isSame((await readBack(given.store))?.body, text(100))).toBe(true);
  });

  it('never gives a short body: an event that has lost a piece of it is unreadable, but for its data', async () => {
    const body = text(900 * KIB);
    const { position } = await given.store.append(STREAM, [withBody(body)], 'none');
    await given.opened.loseFirstChunk(sha256Of(body));
    const unreadable = {
      type: 'Unreadable',
      position,
      recordedType: 'ContentPublished',
      error: { code: 'EVENT_UNREADABLE' },
    };
    expect((await readWholeLog(given.store, { withBodies: true })).at(-1)).toMatchObject(unreadable);
    expect(await given.store.readAt([position], { withBodies: true })).toMatchObject([unreadable]);
    await expect(readBack(given.store)).rejects.toMatchObject({ code: 'EVENT_UNREADABLE', kind: 'poison' });
    expect(await given.store.readStream(STREAM, { maxCount: 1 })).toHaveLength(1);
    expect((await readWholeLog(given.store)).at(-1)?.type).toBe('ContentPublished');
  });

  it('ends a page once its bodies exceed 8 MiB', async () => {
    const body = text(250 * KIB);
    for (let count = 0; count < 4; count += 1) {
      await given.store.append(
        STREAM,
        Array.from({ length: 10 }, () => withBody(body)),
        'any',
      );
    }
    for (const direction of ['forwards', 'backwards'] as const) {
      const pages = await readAllPages(given.store, { withBodies: true, direction });
      const counts = pages.map(({ events }) => events.filter((entry) => bodyOf(entry) !== undefined).length);
      expect(counts).toEqual([33, 7]);
      expect(pages.flatMap(({ events }) => events)).toHaveLength(41);
    }
    expect(await readAllPages(given.store)).toHaveLength(1);
  });

  it('has bodies of its own: whoever changes the bytes they gave or got changes nothing', async () => {
    const body = Buffer.from('"as published"');
    await given.store.append(STREAM, [withBody(body)], 'none');
    body.fill('x');
    (await readBack(given.store))?.body?.fill(0x79);
    expect(Buffer.from((await readBack(given.store))?.body ?? []).toString()).toBe('"as published"');
  });
}
