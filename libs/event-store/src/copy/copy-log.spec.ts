import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  bodyStream,
  type EventStore,
  jobStream,
  type LogEntry,
  nodeStream,
  sha256Of,
  systemClock,
} from '@holdfast/domain';
import { deleted, METADATA, newEvent, published, readWholeLog, record } from '@holdfast/domain/testing';
import { type EventStoreDbServer, startEventStoreDb } from '@holdfast/testing/event-store-db';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openEventStoreDb } from '../eventstoredb/event-store-db-event-store.ts';
import { openSqliteEventStore } from '../sqlite/sqlite-event-store.ts';
import { copyLog, type CopyProgress, type CopyReport } from './copy-log.ts';

const LARGE = JSON.stringify('x'.repeat(900_000));
const SECOND = 1_000;

let directory: string;
let file: string;
let server: EventStoreDbServer;
let opened: EventStore[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-copy-'));
  file = join(directory, 'events.db');
  server = await startEventStoreDb();
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function openSource(): Promise<EventStore> {
  const store = await openSqliteEventStore({
    file,
    bellFile: join(directory, 'events.bell'),
    clock: systemClock,
    createIfMissing: true,
  });
  opened.push(store);
  return store;
}

async function openTarget(createIfMissing = false): Promise<EventStore> {
  const store = await openEventStoreDb({ url: server.url, clock: systemClock, createIfMissing });
  opened.push(store);
  return store;
}

const copy = (
  onProgress: (progress: CopyProgress) => void = () => undefined,
  signal = new AbortController().signal,
): Promise<CopyReport> =>
  copyLog({ from: { file }, to: { url: server.url, streamPrefix: '' }, onProgress, signal });

const report = (node: string) =>
  newEvent({
    type: 'NodeReported',
    data: {
      node,
      version: '0.0.0',
      runtime: 'node',
      startedAt: METADATA.at,
      intervalSeconds: 10,
      projectors: [],
      disks: [],
      memoryBytes: 1,
    },
  });

/** A log with everything a log can have: bodies inside, in chunks and shared, versions, deletions, trimmed reports. */
async function fill(store: EventStore, documents = 20): Promise<void> {
  for (let count = 0; count < documents; count += 1) {
    await record(store, published(`units/u${count % 7}.json`, { count, text: 'שלום "☃" \u0000' }));
    const node = report('web-1');
    await store.append(nodeStream('web-1'), [node], 'any', { keepLatest: 1 });
  }
  await record(store, published('large/a.json', LARGE), published('large/b.json', LARGE));
  await record(store, published('bytes.json', Buffer.from('"\u{1f600}\\u0000"')), deleted('units/u0.json'));
}

/** Without what differs between stores, and what is left out. */
const comparable = (events: readonly LogEntry[]) =>
  events
    .filter(({ stream }) => !stream.startsWith('node-'))
    .map((event) => ({
      ...event,
      position: '',
      error: null,
      // Jest takes seconds to compare large ones.
      body: 'body' in event && event.body !== undefined ? sha256Of(event.body) : null,
    }));

async function closeAll(): Promise<void> {
  for (const store of opened.splice(0)) await store.close();
}

describe('copyLog', () => {
  it('makes the same log: identity, ids, versions, order, metadata, bodies and their chunks', async () => {
    const source = await openSource();
    await fill(source);
    const identity = await source.identity();
    const before = comparable(await readWholeLog(source, { withBodies: true }));
    await closeAll();
    const copied = await copy();
    expect(copied).toEqual({
      logId: identity,
      events: before.length,
      copied: before.length,
      isComplete: true,
    });
    const target = await openTarget();
    expect(await target.identity()).toBe(identity);
    expect(comparable(await readWholeLog(target, { withBodies: true }))).toEqual(before);
    const [large] = await target.readStream('content-large/b.json', { maxCount: 1, withBodies: true });
    expect(Buffer.from((large as { body: Uint8Array }).body).toString()).toBe(LARGE);
    expect(await target.readStream(bodyStream(sha256Of(Buffer.from(LARGE))), { maxCount: 9 })).toHaveLength(
      3,
    );
    expect(await target.readStream(nodeStream('web-1'), { maxCount: 9 })).toEqual([]);
  });

  it('tells how far it is, in each phase up to the whole', async () => {
    await fill(await openSource());
    await closeAll();
    const last = new Map<string, CopyProgress>();
    const { events } = await copy((progress) => last.set(progress.phase, progress));
    expect([...last.values()]).toEqual(
      (['comparing', 'copying', 'verifying'] as const).map((phase) => ({
        phase,
        done: events,
        total: events,
      })),
    );
  });

  it('goes on where it was stopped, and copies only the rest', async () => {
    await fill(await openSource());
    await closeAll();
    const stop = new AbortController();
    const half = copy(({ phase, done }) => {
      if (phase === 'copying' && done === 12) stop.abort();
    }, stop.signal);
    await expect(half).rejects.toThrow();
    const { events, copied } = await copy();
    expect(copied).toBe(events - 12);
    expect(await copy()).toMatchObject({ events, copied: 0 });
  });

  it('copies each event once while connections are cut and answers are lost', async () => {
    await fill(await openSource(), 60);
    await closeAll();
    let count = 0;
    const done = await copy(({ done }) => {
      count += 1;
      if (count % 40 === 0) server.cut();
      if (done % 9 === 0) server.faults.loseAnswers = 1;
    });
    expect(done.copied).toBe(done.events);
    expect(await copy()).toMatchObject({ copied: 0, events: done.events });
  });

  it('waits for a server that is not ready', async () => {
    await fill(await openSource());
    await closeAll();
    server.faults.refusal = 'not-ready';
    setTimeout(() => {
      server.faults.refusal = null;
    }, SECOND);
    expect((await copy()).copied).toBeGreaterThan(20);
  });

  it('takes what there is while the product runs, and says that it is not all', async () => {
    const source = await openSource();
    await fill(source);
    const first = await copy();
    expect(first).toMatchObject({ isComplete: false, copied: first.events });
    await fill(source, 3);
    await closeAll();
    const second = await copy();
    expect(second).toMatchObject({ isComplete: true, copied: second.events - first.events });
    // Three documents, twice a large one that is there, one of bytes and a deletion.
    expect(second.copied).toBe(7);
  });

  it('keeps everybody else from the source while it copies', async () => {
    await fill(await openSource());
    await closeAll();
    let refused: unknown = null;
    await copy(({ phase }) => {
      if (phase !== 'copying' || refused !== null) return;
      const other = new DatabaseSync(file, { timeout: 10 });
      try {
        other.prepare('SELECT count(*) FROM events').get();
      } catch (error) {
        refused = error;
      } finally {
        other.close();
      }
    });
    expect(refused).toMatchObject({ message: 'database is locked' });
    expect(comparable(await readWholeLog(await openSource()))).not.toHaveLength(0);
  });
});

describe('copyLog finds', () => {
  const DIFFERS = { code: 'LOG_COPY_DIFFERS', kind: 'fatal' };

  it('somebody else who writes to the target meanwhile', async () => {
    await fill(await openSource());
    await closeAll();
    const others: Promise<unknown>[] = [];
    const attempt = copy(({ phase, done }) => {
      if (phase !== 'copying' || done !== 2) return;
      others.push(openTarget().then((store) => record(store, published('large/a.json'))));
    });
    await expect(attempt).rejects.toMatchObject(DIFFERS);
    await Promise.all(others);
  });

  it('an event that the server has lost by the end', async () => {
    await fill(await openSource());
    await closeAll();
    const attempt = copy(({ phase, done, total }) => {
      if (phase === 'copying' && done === total) {
        server.stop();
        void server.start({ keepData: false });
      }
    });
    await expect(attempt).rejects.toMatchObject(DIFFERS);
    await expect(attempt).rejects.toThrow('is missing there');
  });
});

describe('copyLog refuses, and writes nothing', () => {
  const REFUSED = { code: 'LOG_COPY_REFUSED', kind: 'rejected' };
  let appends: number;

  beforeEach(async () => {
    await fill(await openSource(), 3);
    appends = 0;
  });

  async function expectRefused(message: string): Promise<void> {
    await closeAll();
    appends = server.calls['Append'] ?? 0;
    const attempt = copy();
    await expect(attempt).rejects.toMatchObject(REFUSED);
    await expect(attempt).rejects.toThrow(message);
    expect(server.calls['Append'] ?? 0).toBe(appends);
  }

  it('a server that has another log', async () => {
    await openTarget(true);
    await expectRefused('there is another log at');
  });

  it('a server where the copy is in use already', async () => {
    await closeAll();
    await copy();
    await record(await openTarget(), published('units/new.json'));
    await expectRefused('goes on where the source ends');
  });

  it('a copy that both have gone on from', async () => {
    await closeAll();
    await copy();
    await record(await openTarget(), published('units/new.json'));
    await record(await openSource(), published('units/other.json'));
    await expectRefused('is not the beginning of this log');
  });

  it('a deletion of a directory that is not finished', async () => {
    const source = await openSource();
    const parameters = { directory: 'units/', reason: '', position: await source.head() };
    const requested = newEvent({
      type: 'JobRequested',
      data: { kind: 'directory-deletion', node: 'web-1', parameters },
    });
    await source.append(jobStream('1'), [requested], 'none');
    await expectRefused('job 1, a deletion of a directory');
    const finished = newEvent({
      type: 'JobFinished',
      data: { outcome: 'succeeded', counts: {}, error: null },
    });
    await (await openSource()).append(jobStream('1'), [finished], 0);
    await closeAll();
    expect(await copy()).toMatchObject({ isComplete: true });
  });

  it.each([
    ['its data is no JSON', "data = '{'"],
    ['its data has another spelling', `data = ' ' || data`],
    ['its metadata is no object', "metadata = '7'"],
    ['its type is one of the server’s own', "type = '$any'"],
  ])('an event that cannot be stored byte for byte: %s', async (_, change) => {
    await closeAll();
    const db = new DatabaseSync(file);
    db.exec(`UPDATE events SET ${change} WHERE stream = 'content-units/u1.json'`);
    db.close();
    await expectRefused('cannot be stored by the other server byte for byte');
  });

  it('a file that is not there', async () => {
    await closeAll();
    file = join(directory, 'nowhere.db');
    await expect(copy()).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' });
  });
});

describe('copyLog and events that this program cannot read', () => {
  it('copies them byte for byte', async () => {
    await fill(await openSource(), 3);
    await closeAll();
    const db = new DatabaseSync(file);
    db.exec(
      `UPDATE events SET type = 'ContentPainted', v = 9, data = '{"colour":["red",1.5]}' WHERE stream = 'content-units/u1.json'`,
    );
    db.close();
    await copy();
    const [event] = (await readWholeLog(await openTarget())).filter(
      ({ stream }) => stream === 'content-units/u1.json',
    );
    expect(event).toMatchObject({ type: 'Unreadable', recordedType: 'ContentPainted', recordedV: 9 });
  });
});
