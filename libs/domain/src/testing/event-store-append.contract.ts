import { expect, it } from '@jest/globals';
import type { NewEvent } from '../events.ts';
import type { EventStoreUnderTest } from './event-store.contract.ts';
import { deleted, fixtureId, METADATA, newEvent, published } from './fixtures.ts';
import { eventually, idsOf, readWholeLog } from './whole-log.ts';

const STREAM = 'content-units/a.json';

const conflict = (expected: number | string, actual: number | null): object => ({
  code: 'STREAM_VERSION_CONFLICT',
  kind: 'conflict',
  context: { stream: STREAM, expected, actual },
});

const report = (node: string, memoryBytes: number): NewEvent =>
  newEvent({
    type: 'NodeReported',
    data: {
      node,
      version: '1.0.0',
      runtime: 'node',
      startedAt: METADATA.at,
      intervalSeconds: 5,
      projectors: [],
      disks: [],
      memoryBytes,
    },
  });

export function describeAppending(given: EventStoreUnderTest): void {
  it('gives each event the next version of its stream and a later position', async () => {
    const [a, b, other] = [published('units/a.json'), deleted('units/a.json'), published('units/b.json')];
    const first = await given.store.append(STREAM, [a], 'none');
    const second = await given.store.append(STREAM, [b], 0);
    const third = await given.store.append('content-units/b.json', [other], 'none');
    expect([first.version, second.version, third.version]).toEqual([0, 1, 0]);
    expect([third.position, second.position, first.position].sort()).toEqual([
      first.position,
      second.position,
      third.position,
    ]);
    expect(new Set([first, second, third].map(({ position }) => position.length)).size).toBe(1);
    expect(await given.store.readStream(STREAM, { maxCount: 10 })).toEqual([
      { type: a.type, id: a.id, metadata: a.metadata, data: a.data, stream: STREAM, ...first },
      { ...b, stream: STREAM, ...second },
    ]);
  });

  it('stores several events of one append one after another, and answers with the last', async () => {
    const events = [published('units/a.json'), deleted('units/a.json'), published('units/a.json')];
    const { version, position } = await given.store.append(STREAM, events, 'none');
    const stored = await given.store.readStream(STREAM, { maxCount: 10 });
    expect(version).toBe(2);
    expect(idsOf(stored)).toEqual(idsOf(events as never));
    expect(stored.at(-1)?.position).toBe(position);
  });

  it('refuses another expected version, and stores nothing', async () => {
    await given.store.append(STREAM, [published('units/a.json')], 'none');
    const head = await given.store.head();
    const events = (): NewEvent[] => [deleted('units/a.json'), published('units/a.json')];
    await expect(given.store.append(STREAM, events(), 'none')).rejects.toMatchObject(conflict('none', 0));
    await expect(given.store.append(STREAM, events(), 1)).rejects.toMatchObject(conflict(1, 0));
    await given.store.append(STREAM, [deleted('units/a.json')], 0);
    await expect(given.store.append(STREAM, events(), 0)).rejects.toMatchObject(conflict(0, 1));
    await expect(given.store.append('content-none.json', events(), 0)).rejects.toMatchObject({
      context: { expected: 0, actual: null },
    });
    expect(await readWholeLog(given.store, { after: head })).toHaveLength(1);
  });

  it('appends to any version when told so', async () => {
    const answers = [
      await given.store.append(STREAM, [published('units/a.json')], 'any'),
      await given.store.append(STREAM, [deleted('units/a.json')], 'any'),
    ];
    expect(answers.map(({ version }) => version)).toEqual([0, 1]);
  });

  it.each(['none', 'exact', 'any'] as const)(
    'answers a repeated append (%s) as the first time, and stores it once',
    async (how) => {
      if (how !== 'none') await given.store.append(STREAM, [published('units/a.json')], 'none');
      const expected = how === 'exact' ? 0 : how;
      const events = [deleted('units/a.json'), published('units/a.json')];
      const first = await given.store.append(STREAM, events, expected);
      expect(await given.store.append(STREAM, events, expected)).toEqual(first);
      await given.store.append(STREAM, [deleted('units/a.json')], first.version);
      const head = await given.store.head();
      expect(await given.store.append(STREAM, events, expected)).toEqual(first);
      expect(await (await given.second()).append(STREAM, events, expected)).toEqual(first);
      expect(await given.store.head()).toBe(head);
    },
  );

  it('takes an append that shares only some events with what is there for a conflict', async () => {
    const [a, b, c] = [published('units/a.json'), deleted('units/a.json'), published('units/a.json')];
    await given.store.append(STREAM, [a, b], 'none');
    const head = await given.store.head();
    for (const expected of ['none', 'any'] as const) {
      for (const events of [
        [a, c],
        [a, b, c],
        [b, a],
        [c, b],
      ]) {
        await expect(given.store.append(STREAM, events, expected)).rejects.toMatchObject(
          conflict(expected, 1),
        );
      }
    }
    await expect(given.store.append(STREAM, [a], 0)).rejects.toMatchObject(conflict(0, 1));
    expect(await given.store.head()).toBe(head);
  });

  it('takes the same id in another stream for another event', async () => {
    const event = published('units/a.json');
    await given.store.append(STREAM, [event], 'any');
    await given.store.append('content-units/b.json', [event], 'any');
    expect(await given.store.readStream('content-units/b.json', { maxCount: 2 })).toHaveLength(1);
  });

  it('keeps streams apart whose names differ in case, in length or in a letter of any script', async () => {
    const streams = [
      'content-a',
      'content-A',
      'content-a/',
      'content-ab',
      'content-ä',
      'content-本',
      'content-𝒂',
      "content-'%_",
    ];
    for (const stream of streams) await given.store.append(stream, [published('units/a.json')], 'none');
    for (const stream of streams) {
      const stored = await given.store.readStream(stream, { maxCount: 2 });
      expect(stored.map((event) => [event.stream, event.version])).toEqual([[stream, 0]]);
    }
  });

  it('lets one of two appenders win', async () => {
    const appenders = [given.store, await given.second()];
    const outcomes = await Promise.allSettled(
      appenders.map((store) => store.append(STREAM, [published('units/a.json')], 'none')),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const lost = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(lost?.reason).toMatchObject(conflict('none', 0));
    expect(await given.store.readStream(STREAM, { maxCount: 10 })).toHaveLength(1);
  });

  it('shows appends made at once to each other, in the order in which they were made', async () => {
    const events = Array.from({ length: 20 }, () => deleted('units/a.json'));
    const answers = await Promise.all(
      events.map((event, index) => given.store.append(STREAM, [event], index === 0 ? 'none' : index - 1)),
    );
    expect(answers.map(({ version }) => version)).toEqual(events.map((_, index) => index));
    expect(idsOf(await given.store.readStream(STREAM, { maxCount: 100 }))).toEqual(
      events.map(({ id }) => id),
    );
  });

  it('stores once what is appended twice at once', async () => {
    const event = published('units/a.json');
    const [first, second] = await Promise.all([
      given.store.append(STREAM, [event], 'none'),
      given.store.append(STREAM, [event], 'none'),
    ]);
    expect(second).toEqual(first);
    expect(await given.store.readStream(STREAM, { maxCount: 10 })).toHaveLength(1);
  });

  it('does not let one conflict among many appends made at once fail the others', async () => {
    await given.store.append(STREAM, [published('units/a.json')], 'none');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_, index) => {
        const path = index % 3 === 1 ? 'units/a.json' : `units/n${index}.json`;
        return given.store.append(`content-${path}`, [published(path)], 'none');
      }),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(
      outcomes.map((_, index) => (index % 3 === 1 ? 'rejected' : 'fulfilled')),
    );
    expect(await readWholeLog(given.store, { filter: { streamPrefixes: ['content-'] } })).toHaveLength(41);
  });

  it('appends from two handles at once without losing or mixing anything', async () => {
    const stores = [given.store, await given.second()];
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, index) =>
        (stores[index % 2] as typeof given.store).append(
          `content-units/s${index % 8}.json`,
          [deleted(`units/s${index % 8}.json`)],
          'any',
        ),
      ),
    );
    expect(new Set(answers.map(({ position }) => position)).size).toBe(80);
    for (let stream = 0; stream < 8; stream += 1) {
      const events = await given.store.readStream(`content-units/s${stream}.json`, { maxCount: 100 });
      expect(events.map(({ version }) => version)).toEqual(
        Array.from({ length: 10 }, (_, version) => version),
      );
    }
  });

  it('refuses events that break their schema, have no proper id or are none at all, and stores nothing', async () => {
    const head = await given.store.head();
    const good = published('units/a.json');
    const refused: NewEvent[][] = [
      [],
      [good, good],
      [{ ...good, id: 'no-uuid' }],
      [good, { ...published('units/a.json'), data: { ...good.data, sha256: 'short' } }],
      [{ ...good, metadata: { ...METADATA, at: 'yesterday' } }],
    ];
    for (const events of refused) {
      await expect(given.store.append(STREAM, events, 'any')).rejects.toMatchObject({
        code: 'EVENT_INVALID',
      });
    }
    await expect(given.store.append(STREAM, [good], -1)).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    await expect(given.store.append('', [good], 'any')).rejects.toMatchObject({ code: 'EVENT_INVALID' });
    expect(await given.store.head()).toBe(head);
    await given.store.append(STREAM, [good], 'none');
  });

  it('keeps only the latest of a report, and goes on counting', async () => {
    await given.store.append('node-b', [report('b', 1)], 'any', { keepLatest: 1 });
    for (let count = 0; count < 5; count += 1) {
      const { version } = await given.store.append('node-a', [report('a', count)], 'any', { keepLatest: 2 });
      expect(version).toBe(count);
    }
    await eventually('only the latest reports are left', async () => {
      const left = await readWholeLog(given.store, { filter: { types: ['NodeReported'] } });
      return left.length === 3;
    });
    const left = await given.store.readStream('node-a', { maxCount: 10 });
    expect(left.map(({ version }) => version)).toEqual([3, 4]);
    expect(await given.store.readStream('node-a', { direction: 'backwards', maxCount: 1 })).toEqual(
      left.slice(1),
    );
    await expect(given.store.append('node-a', [report('a', 9)], 3)).rejects.toMatchObject({
      context: { actual: 4 },
    });
    expect((await given.store.append('node-a', [report('a', 9)], 4)).version).toBe(5);
  });

  it('has stored all it was asked to when it is closed', async () => {
    const events = Array.from({ length: 30 }, (_, index) => published(`units/c${index}.json`));
    const appends = events.map((event) => given.store.append(`content-${event.data.path}`, [event], 'none'));
    const other = await given.second();
    await given.store.close();
    expect(await Promise.all(appends)).toHaveLength(30);
    expect(await readWholeLog(other, { filter: { types: ['ContentPublished'] } })).toHaveLength(30);
  });

  it('refuses everything once it is closed', async () => {
    const { store } = given;
    await store.close();
    await store.close();
    const closed = { code: 'EVENT_STORE_UNAVAILABLE', kind: 'transient' };
    await expect(store.append(STREAM, [deleted('units/a.json', fixtureId())], 'any')).rejects.toMatchObject(
      closed,
    );
    await expect(store.readStream(STREAM, { maxCount: 1 })).rejects.toMatchObject(closed);
    await expect(store.readLog({ after: null, maxCount: 1 })).rejects.toMatchObject(closed);
    await expect(store.readAt([])).rejects.toMatchObject(closed);
    await expect(store.identity()).rejects.toMatchObject(closed);
    await expect(store.head()).rejects.toMatchObject(closed);
  });
}
