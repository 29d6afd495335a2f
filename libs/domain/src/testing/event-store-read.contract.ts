import { expect, it } from '@jest/globals';
import type { NewEvent } from '../events.ts';
import { LOG_STREAM } from '../log/events.ts';
import type { Position } from '../position.ts';
import type { EventStoreUnderTest } from './event-store.contract.ts';
import { deleted, fixtureId, newEvent, published, record, streamOf } from './fixtures.ts';
import { idsOf, readAllPages, readWholeLog } from './whole-log.ts';

const STREAM = 'content-units/a.json';

const modeChanged = (): NewEvent =>
  newEvent({
    type: 'ModeChanged',
    data: {
      cdnEnabled: true,
      localFallback: false,
      pinned: false,
      cdnBaseUrl: null,
      localBaseUrl: null,
      cause: 'operator',
      reason: '',
    },
  });

const replicated = (at: string): NewEvent =>
  newEvent({
    type: 'ContentReplicated',
    data: {
      path: published(at).data.path,
      version: 0,
      action: 'delete',
      sha256: null,
      etag: null,
      attempt: 1,
      durationMs: 1,
    },
  });

export function describeReading(given: EventStoreUnderTest): void {
  it('begins with the event that names the log', async () => {
    const [first, ...others] = await readWholeLog(given.store);
    expect(first).toMatchObject({
      type: 'LogCreated',
      stream: LOG_STREAM,
      version: 0,
      data: { logId: await given.store.identity() },
    });
    expect(others).toEqual([]);
    expect(await given.store.head()).toBe(first?.position);
    expect(await (await given.second()).identity()).toBe(await given.store.identity());
  });

  it('finds a stream that does not exist empty', async () => {
    expect(await given.store.readStream('content-none.json', { maxCount: 10 })).toEqual([]);
    expect(
      await given.store.readStream('content-none.json', {
        maxCount: 10,
        direction: 'backwards',
        fromVersion: 3,
      }),
    ).toEqual([]);
  });

  it('reads a stream both ways, from a version that is included', async () => {
    for (let count = 0; count < 5; count += 1)
      await record(given.store, deleted('units/a.json'), deleted('units/b.json'));
    const versions = async (options: object): Promise<number[]> =>
      (await given.store.readStream(STREAM, { maxCount: 10, ...options })).map(({ version }) => version);
    expect(await versions({})).toEqual([0, 1, 2, 3, 4]);
    expect(await versions({ fromVersion: 3 })).toEqual([3, 4]);
    expect(await versions({ fromVersion: 5 })).toEqual([]);
    expect(await versions({ fromVersion: 1, maxCount: 2 })).toEqual([1, 2]);
    expect(await versions({ direction: 'backwards' })).toEqual([4, 3, 2, 1, 0]);
    expect(await versions({ direction: 'backwards', maxCount: 1 })).toEqual([4]);
    expect(await versions({ direction: 'backwards', fromVersion: 2 })).toEqual([2, 1, 0]);
    expect(await versions({ direction: 'backwards', fromVersion: 99, maxCount: 2 })).toEqual([4, 3]);
  });

  it('sees at once what another handle has appended', async () => {
    const [appended] = await record(await given.second(), published('units/a.json'));
    expect(await given.store.head()).toBe(appended?.position);
    expect(await given.store.readStream(STREAM, { maxCount: 1 })).toHaveLength(1);
  });

  it('reads the log page by page, both ways, each event once', async () => {
    const events = Array.from({ length: 7 }, (_, index) => deleted(`units/${index}.json`));
    await record(given.store, ...events);
    const whole = await readWholeLog(given.store);
    expect(idsOf(whole).slice(1)).toEqual(events.map(({ id }) => id));
    for (const maxCount of [1, 2, 3, 8, 100]) {
      expect(await readWholeLog(given.store, { maxCount })).toEqual(whole);
      expect(await readWholeLog(given.store, { maxCount, direction: 'backwards' })).toEqual(
        whole.toReversed(),
      );
    }
    const pages = await readAllPages(given.store, { maxCount: 3 });
    expect(pages.every(({ events: page }) => page.length <= 3)).toBe(true);
    expect(pages.at(-1)?.next).toBe(await given.store.head());
  });

  it('goes on after a position that is not included', async () => {
    const [a, b, c] = await record(
      given.store,
      deleted('units/a.json'),
      deleted('units/b.json'),
      deleted('units/c.json'),
    );
    const positions = async (
      after: Position | undefined,
      direction: 'forwards' | 'backwards',
    ): Promise<Position[]> =>
      (await readWholeLog(given.store, { after: after ?? null, direction })).map(({ position }) => position);
    expect(await positions(a?.position, 'forwards')).toEqual([b?.position, c?.position]);
    expect((await positions(c?.position, 'backwards')).slice(0, 2)).toEqual([b?.position, a?.position]);
  });

  it('answers with an empty last page where nothing is left, at the position it was given', async () => {
    await record(given.store, deleted('units/a.json'));
    const head = await given.store.head();
    const [first] = await readWholeLog(given.store);
    expect(await given.store.readLog({ after: head, maxCount: 10 })).toEqual({
      events: [],
      next: head,
      isEnd: true,
    });
    expect(
      await given.store.readLog({ after: first?.position ?? null, maxCount: 10, direction: 'backwards' }),
    ).toEqual({
      events: [],
      next: first?.position,
      isEnd: true,
    });
  });

  it('leaves out what the filter does not let pass', async () => {
    const events = [
      published('a/x.json'),
      published('ab/x.json'),
      replicated('a/x.json'),
      deleted('a/x.json'),
      modeChanged(),
      published('A/x.json'),
    ];
    await record(given.store, ...events);
    const passing = async (filter: object): Promise<number[]> => {
      const forwards = await readWholeLog(given.store, { filter });
      const backwards = await readWholeLog(given.store, { filter, direction: 'backwards', maxCount: 2 });
      expect(backwards).toEqual(forwards.toReversed());
      return idsOf(forwards).map((id) => events.findIndex((event) => event.id === id));
    };
    expect(await passing({ types: ['ContentPublished'] })).toEqual([0, 1, 5]);
    expect(await passing({ types: ['ContentDeleted', 'ModeChanged'] })).toEqual([3, 4]);
    expect(await passing({ streamPrefixes: ['content-a/'] })).toEqual([0, 3]);
    expect(await passing({ streamPrefixes: ['replication-', 'mode-'] })).toEqual([2, 4]);
    expect(await passing({ types: ['ContentPublished'], streamPrefixes: ['content-a'] })).toEqual([0, 1]);
    expect(await passing({ types: [] })).toEqual([]);
    expect(await passing({ streamPrefixes: [] })).toEqual([]);
  });

  it('finds the few events that pass among many that do not, in pages that need not be full', async () => {
    const [first, last] = [modeChanged(), modeChanged()];
    await record(given.store, first);
    for (let batch = 0; batch < 12; batch += 1) {
      const events = Array.from({ length: 500 }, () => deleted('units/a.json'));
      await given.store.append(STREAM, events, 'any');
    }
    await record(given.store, last);
    const filter = { types: ['ModeChanged'] as const };
    expect(idsOf(await readWholeLog(given.store, { filter, maxCount: 1 }))).toEqual([first.id, last.id]);
    const backwards = await readWholeLog(given.store, { filter, direction: 'backwards' });
    expect(idsOf(backwards)).toEqual([last.id, first.id]);
  });

  it('reads events at given positions in the order asked for, and leaves out what is not there', async () => {
    const [a, b] = await record(given.store, published('units/a.json'), deleted('units/b.json'));
    const head = await given.store.head();
    const beyond = head.slice(0, -1) + String(Number(head.at(-1)) + 1);
    const found = await given.store.readAt([b?.position ?? '', beyond, a?.position ?? '', b?.position ?? '']);
    expect(found.map(({ stream }) => stream)).toEqual([
      'content-units/b.json',
      STREAM,
      'content-units/b.json',
    ]);
    expect(await given.store.readAt([])).toEqual([]);
  });

  it.each([
    ['of a newer version', { type: 'ContentDeleted', v: 99, data: '{"path":"units/a.json","reason":""}' }],
    ['of an unknown type', { type: 'ContentShredded', v: 1, data: '{}' }],
    ['that is damaged', { type: 'ContentDeleted', v: 1, data: '{"path":"units/a.js' }],
    [
      'that breaks its schema',
      { type: 'ContentDeleted', v: 1, data: '{"path":"../etc/passwd","reason":""}' },
    ],
  ])('puts an event %s in its place as unreadable', async (_what, broken) => {
    const id = fixtureId();
    const [before] = await record(given.store, published('units/a.json'));
    await given.opened.writeForeign({ stream: STREAM, id, ...broken });
    await record(given.store, published('units/b.json'));

    const [page] = await readAllPages(given.store, { after: before?.position ?? null });
    expect(page?.events.map(({ type }) => type)).toEqual(['Unreadable', 'ContentPublished']);
    const place = { id, stream: STREAM, version: 1, recordedType: broken.type, recordedV: broken.v };
    const error = { code: 'EVENT_UNREADABLE', kind: 'poison' };
    expect(page?.events[0]).toMatchObject({ ...place, error });
    expect(await given.store.readAt([page?.events[0]?.position ?? ''])).toMatchObject([{ ...place, error }]);
    await expect(given.store.readStream(STREAM, { maxCount: 10 })).rejects.toMatchObject(error);
    expect(await given.store.readStream(STREAM, { maxCount: 1 })).toHaveLength(1);
    expect((await given.store.append(STREAM, [deleted('units/a.json')], 1)).version).toBe(2);
  });

  it('gives back every field as it was written', async () => {
    const event = newEvent({
      type: 'ContentDeleted',
      data: {
        path: published('Größe/名前 (1)/é.json').data.path,
        reason: 'quote " backslash \\ null \u0000 line \u2028 𝒂',
        directory: 'Größe/' as never,
      },
    });
    const metadata = { ...event.metadata, actor: 'projector:nœud-1', traceparent: '00-abc-def-01' };
    const [appended] = await record(given.store, { ...event, metadata });
    expect(await given.store.readAt([appended?.position ?? ''])).toEqual([
      { ...event, metadata, stream: streamOf(event), ...appended },
    ]);
  });
}
