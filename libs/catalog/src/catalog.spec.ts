import { getEventListeners } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { derivedEventId, type DecidedEvent, jobStream, type NewEvent, systemClock } from '@holdfast/domain';
import {
  AT,
  deleted,
  fixtureId,
  MemoryEventStore,
  MemoryLog,
  METADATA,
  newEvent,
  OTHER_LOG_ID,
  path,
  published,
  record,
} from '@holdfast/domain/testing';
import type { Catalog } from './catalog.ts';
import { openCatalog } from './open-catalog.ts';

const NOW = new Date(AT);
const LATER = '2026-01-05T08:00:30.000Z';
const A = path('a.json');

let directory: string;
let file: string;
let store: MemoryEventStore;
const open: Catalog[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-catalog-'));
  file = join(directory, 'catalog-api.db');
  store = new MemoryEventStore();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((catalog) => catalog.close()));
  rmSync(directory, { recursive: true });
});

async function openFollowing(): Promise<Catalog> {
  const catalog = await openCatalog({ file, store, clock: systemClock });
  open.push(catalog);
  catalog.start(() => undefined);
  await catalog.caughtUp();
  return catalog;
}

async function closeAll(): Promise<void> {
  await Promise.all(open.splice(0).map((catalog) => catalog.close()));
}

/** The catalog that follows from a history. */
async function given(...events: NewEvent[]): Promise<Catalog> {
  await record(store, ...events);
  return openFollowing();
}

const outcome = (event: DecidedEvent): NewEvent => newEvent(event);
const replicated = (version: number, sha256: string | null): NewEvent =>
  outcome({
    type: 'ContentReplicated',
    data: {
      path: A,
      version,
      action: sha256 ? 'put' : 'delete',
      sha256,
      etag: sha256 && 'e',
      storedMs: sha256 === null ? undefined : 5_999,
      attempt: 1,
      durationMs: 5,
    },
  });
const failed = (version: number, attempt: number, nextRetryAt = LATER): NewEvent =>
  outcome({
    type: 'ReplicationFailed',
    data: {
      path: A,
      version,
      action: 'put',
      attempt,
      error: { code: 'X', message: 'no' },
      nextRetryAt,
      durationMs: 5,
    },
  });
const deadLettered = (version: number): NewEvent =>
  outcome({
    type: 'ReplicationDeadLettered',
    data: { path: A, version, action: 'put', attempts: 8, error: { code: 'X', message: 'no' } },
  });
const retryRequested = (version: number): NewEvent =>
  outcome({ type: 'ReplicationRetryRequested', data: { path: A, version } });

const due = (catalog: Catalog, now = NOW) =>
  catalog
    .replicationsDue({ now, limit: 10, exclude: new Set() })
    .map(({ path: at, version, action, attempt }) => ({ at, version, action, attempt }));
const statuses = (catalog: Catalog) =>
  catalog
    .replications({ after: null, limit: 10 })
    .rows.map(({ version, status, attempts }) => `${version} ${status} ${attempts}`);

describe('documents', () => {
  it('are what was published last, or that it was deleted', async () => {
    const [one, two] = [published(A, 1), published(A, 2)];
    const catalog = await given(one, two, published('b.json'), deleted('b.json'));
    expect(catalog.document(A)).toMatchObject({
      status: 'published',
      version: 1,
      sha256: two.data.sha256,
      onCdn: null,
      actor: 'local',
      at: AT,
    });
    expect(catalog.document('b.json')).toMatchObject({
      status: 'deleted',
      version: 1,
      sha256: null,
      bytes: null,
    });
    expect(catalog.document('c.json')).toBeNull();
    expect(catalog.documentCounts()).toEqual({ published: 1, deleted: 1 });
  });

  it('are listed by page in the order of UTF-8 bytes, and a prefix ends where it ends', async () => {
    const paths = ['a/b.json', 'a.json', 'a-b.json', 'ab/c.json', 'a/ﬀ.json', 'a/𠀀.json', 'a/ä.json'];
    const catalog = await given(...paths.map((at) => published(at)), deleted('a.json'));
    const listed: string[] = [];
    for (let after: string | null = null; ;) {
      const page = catalog.documents({ prefix: '', after, limit: 2 });
      if (page.length === 0) break;
      listed.push(...page.map((document) => document.path));
      after = page.at(-1)?.path ?? null;
    }
    expect(listed).toEqual([...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    const below = catalog
      .documents({ prefix: 'a/', after: null, limit: 10 })
      .map((document) => document.path);
    expect(below).toEqual(['a/b.json', 'a/ä.json', 'a/ﬀ.json', 'a/𠀀.json']);
    expect(catalog.documents({ prefix: 'a.', after: null, limit: 10, status: 'published' })).toEqual([]);
  });

  it.each([
    ['before the prefix', 'a-b.json', ['a/b.json', 'a/ä.json', 'a/𠀀.json']],
    ['the prefix itself', 'a/', ['a/b.json', 'a/ä.json', 'a/𠀀.json']],
    ['below the prefix', 'a/b.json', ['a/ä.json', 'a/𠀀.json']],
    ['the last one below it', 'a/𠀀.json', []],
    ['beyond it', 'a0.json', []],
  ])('are listed from the prefix on, and after a path that is %s', async (_, after, expected) => {
    const catalog = await given(
      ...['a-b.json', 'a.json', 'a/b.json', 'a/ä.json', 'a/𠀀.json', 'a0.json'].map((at) => published(at)),
    );
    const page = catalog.documents({ prefix: 'a/', after, limit: 10 });
    expect(page.map(({ path }) => path)).toEqual(expected);
  });
});

describe('replication', () => {
  it('FR-023 is due at once for what was published or deleted, until it is settled', async () => {
    const one = published(A, 1);
    const catalog = await given(one);
    expect(due(catalog)).toEqual([{ at: A, version: 0, action: 'put', attempt: 1 }]);
    expect(catalog.oldestPendingAt()).toEqual(NOW);
    await record(store, replicated(0, one.data.sha256));
    await catalog.caughtUp();
    expect(due(catalog)).toEqual([]);
    expect(catalog.document(A)?.onCdn).toEqual({
      version: 0,
      sha256: one.data.sha256,
      etag: 'e',
      at: AT,
      storedMs: 5_999,
    });
    expect(catalog.replications({ after: null, limit: 1 }).rows[0]).toMatchObject({
      status: 'success',
      verified: true,
      etag: 'e',
      startedAt: '2026-01-05T07:59:59.995Z',
      endedAt: AT,
    });
    await record(store, deleted(A));
    await catalog.caughtUp();
    expect(due(catalog)).toEqual([{ at: A, version: 1, action: 'delete', attempt: 1 }]);
    await record(store, replicated(1, null));
    await catalog.caughtUp();
    expect(due(catalog)).toEqual([]);
    expect(catalog.document(A)?.onCdn).toBeNull();
    expect(catalog.oldestPendingAt()).toBeNull();
  });

  it('waits for the next retry after a failure', async () => {
    const catalog = await given(published(A), failed(0, 1));
    expect(due(catalog)).toEqual([]);
    expect(due(catalog, new Date(LATER))).toEqual([{ at: A, version: 0, action: 'put', attempt: 2 }]);
    expect(catalog.replicationCounts()).toMatchObject({ failed: 1, queued: 0 });
  });

  it('FR-017 ends in a dead letter, and begins again when asked', async () => {
    const catalog = await given(published(A), failed(0, 7), deadLettered(0));
    expect(due(catalog, new Date('2027-01-01'))).toEqual([]);
    expect(statuses(catalog)).toEqual(['0 dead-letter 8']);
    await record(store, retryRequested(0));
    await catalog.caughtUp();
    expect(due(catalog)).toEqual([{ at: A, version: 0, action: 'put', attempt: 1 }]);
    expect(catalog.replicationCounts()).toEqual({
      queued: 1,
      failed: 0,
      success: 0,
      'dead-letter': 0,
      superseded: 0,
    });
  });

  it('is due again when asked for a version that is in the bucket, and readers go local meanwhile', async () => {
    const one = published(A, 1);
    const catalog = await given(one, replicated(0, one.data.sha256), retryRequested(0));
    expect(due(catalog)).toEqual([{ at: A, version: 0, action: 'put', attempt: 1 }]);
    expect(catalog.document(A)?.onCdn).toBeNull();
    expect(catalog.replicationCounts()).toMatchObject({ queued: 1, success: 0 });
  });

  it('says what the attempt meets in the bucket, as long as that is known', async () => {
    const one = published(A, 1);
    const catalog = await given(one);
    const onCdn = () => catalog.replicationsDue({ now: NOW, limit: 1, exclude: new Set() })[0]?.onCdn;
    expect(onCdn()).toBeNull();
    const add = async (...events: NewEvent[]) => {
      await record(store, ...events);
      await catalog.caughtUp();
    };
    await add(replicated(0, one.data.sha256), published(A, 2));
    expect(onCdn()).toEqual({ version: 0, sha256: one.data.sha256, etag: 'e', at: AT, storedMs: 5_999 });
    await add(failed(1, 1, AT));
    expect(onCdn()).toEqual({ version: 0, sha256: one.data.sha256, etag: 'e', at: AT, storedMs: 5_999 });
    await add(retryRequested(1));
    expect(onCdn()).toBeNull();
    await add(deleted(A), replicated(2, null), published(A, 3));
    expect(onCdn()).toBeNull();
  });

  it('sends nobody to an object that a deletion may have taken, until what was published after it is there', async () => {
    const [one, two, three] = [published(A, 1), published(A, 2), published(A, 3)];
    const catalog = await given(one, replicated(0, one.data.sha256), deleted(A));
    const onCdn = () => catalog.document(A)?.onCdn?.version ?? null;
    expect(onCdn()).toBe(0);
    const seen: (number | null)[] = [];
    for (const event of [
      two,
      replicated(0, one.data.sha256),
      three,
      replicated(1, null),
      replicated(2, two.data.sha256),
      replicated(3, three.data.sha256),
    ]) {
      await record(store, event);
      await catalog.caughtUp();
      seen.push(onCdn());
    }
    expect(seen).toEqual([null, null, null, null, 2, 3]);
    expect(due(catalog)).toEqual([]);
  });

  it('goes on with a newer version, and what is said of the older one no longer counts', async () => {
    const two = published(A, 2);
    const catalog = await given(
      published(A, 1),
      failed(0, 1),
      two,
      failed(0, 2),
      deadLettered(0),
      retryRequested(0),
    );
    expect(due(catalog)).toEqual([{ at: A, version: 1, action: 'put', attempt: 1 }]);
    expect(statuses(catalog)).toEqual(['1 queued 0', '0 superseded 1']);
    await record(store, replicated(0, two.data.sha256));
    await catalog.caughtUp();
    expect(statuses(catalog)).toEqual(['1 queued 0', '0 success 1']);
    expect(due(catalog)).toHaveLength(1);
  });

  it('has counts that agree with its rows', async () => {
    const b = published('b.json');
    const catalog = await given(
      published(A, 1),
      published(A, 2),
      b,
      published('c.json'),
      deadLettered(1),
      deleted('c.json'),
    );
    const { rows } = catalog.replications({ after: null, limit: 100 });
    for (const [status, count] of Object.entries(catalog.replicationCounts())) {
      expect([status, rows.filter((row) => row.status === status).length]).toEqual([status, count]);
      const listed = catalog.replications({ status: status as 'queued', after: null, limit: 100 });
      expect(listed.rows).toEqual(rows.filter((row) => row.status === status));
    }
  });

  it('has pages that stay stable while rows arrive', async () => {
    const catalog = await given(published('a.json'), published('b.json'), published('c.json'));
    const first = catalog.replications({ after: null, limit: 2 });
    await record(store, published('d.json'));
    await catalog.caughtUp();
    const second = catalog.replications({ after: first.next, limit: 2 });
    expect([...first.rows, ...second.rows].map((row) => row.path)).toEqual(['c.json', 'b.json', 'a.json']);
    expect(second.next).toBeNull();
  });

  it('leaves out paths with an attempt under way, and says when the next retry is', async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    const catalog = await given(published(A), failed(0, 1, soon), published('b.json'), published('c.json'));
    const some = catalog.replicationsDue({ now: new Date(), limit: 1, exclude: new Set(['b.json']) });
    expect(some.map((row) => row.path)).toEqual(['c.json']);
    expect(catalog.nextReplicationAt()?.toISOString()).toBe(soon);
  });
});

describe('jobs', () => {
  it('are requested, run and finish', async () => {
    const stream = jobStream('j1');
    const append = (event: DecidedEvent) => store.append(stream, [newEvent(event)], 'any');
    await append({ type: 'JobRequested', data: { kind: 'replay', node: 'n1', parameters: { out: null } } });
    const catalog = await openFollowing();
    expect(catalog.job('j1')).toMatchObject({
      state: 'requested',
      parameters: { out: null },
      progress: null,
      actor: 'local',
    });
    expect(catalog.jobs({ unfinishedOn: 'n2', limit: 5 })).toEqual([]);
    await append({ type: 'JobProgressed', data: { phase: 'writing', done: 1, total: 2 } });
    await catalog.caughtUp();
    expect(catalog.jobs({ unfinishedOn: 'n1', limit: 5 })).toMatchObject([
      { id: 'j1', state: 'running', progress: { done: 1 } },
    ]);
    await append({ type: 'JobFinished', data: { outcome: 'succeeded', counts: { files: 2 }, error: null } });
    await catalog.caughtUp();
    expect(catalog.jobs({ unfinishedOn: 'n1', limit: 5 })).toEqual([]);
    expect(catalog.job('j1')).toMatchObject({ state: 'succeeded', counts: { files: 2 }, finishedAt: AT });
  });
});

describe('audit', () => {
  it('ES-004 finds events by path, type, actor and time, newest first', async () => {
    const by = (actor: string, at: string, event: NewEvent): NewEvent => ({
      ...event,
      metadata: { ...METADATA, actor, at },
    });
    const events = [
      by('anna', '2026-01-01T00:00:00.000Z', published(A, 1)),
      by('omar', '2026-01-02T00:00:00.000Z', published('b.json')),
      by('anna', '2026-01-03T00:00:00.000Z', deleted(A)),
    ];
    const positions = (await record(store, ...events)).map(({ position }) => position);
    const catalog = await openFollowing();
    const ask = (question: object) =>
      catalog
        .auditPositions({ before: null, limit: 10, ...question })
        .map((position) => positions.indexOf(position));
    expect(ask({ path: A })).toEqual([2, 0]);
    expect(ask({ actor: 'omar' })).toEqual([1]);
    expect(ask({ type: 'ContentPublished' })).toEqual([1, 0]);
    expect(ask({ from: new Date('2026-01-02'), to: new Date('2026-01-02T12:00:00Z') })).toEqual([1]);
    expect(ask({ actor: 'anna', before: positions[2] })).toEqual([0]);
  });
});

describe('openCatalog', () => {
  const rows = (catalog: Catalog) =>
    catalog.documents({ prefix: '', after: null, limit: 10 }).map((document) => document.path);

  it('goes on where it was', async () => {
    const before = await given(published('a.json'));
    const checkpoint = before.checkpoint;
    await closeAll();
    const reopened = await openCatalog({ file, store, clock: systemClock });
    open.push(reopened);
    expect(reopened.checkpoint).toBe(checkpoint);
    expect(reopened.documentCounts()).toEqual({ published: 1, deleted: 0 });
  });

  it.each([
    [
      'is no database',
      () => {
        writeFileSync(file, 'not a database'.repeat(1_000));
      },
    ],
    [
      'was written by a newer program',
      () => {
        const db = new DatabaseSync(file);
        db.exec('PRAGMA user_version = 99');
        db.close();
      },
    ],
    [
      'was written by an older program',
      () => {
        const db = new DatabaseSync(file);
        db.exec('DELETE FROM documents; ALTER TABLE documents DROP COLUMN cdn_etag; PRAGMA user_version = 1');
        db.close();
      },
    ],
    [
      'is damaged in the middle',
      () => {
        const bytes = readFileSync(file);
        writeFileSync(
          file,
          Buffer.concat([bytes.subarray(0, 4_096), Buffer.alloc(bytes.length - 4_096, 0x55)]),
        );
      },
    ],
  ])('builds again a file that %s', async (_what, damage) => {
    await given(published('a.json'), published('b.json'));
    await closeAll();
    damage();
    expect(rows(await openFollowing())).toEqual(['a.json', 'b.json']);
  });

  it('builds again the catalog of another log, and one that is ahead of the log', async () => {
    await given(published('a.json'), published('b.json'));
    await closeAll();
    store = new MemoryEventStore(new MemoryLog(OTHER_LOG_ID));
    expect(rows(await given(published('x.json')))).toEqual(['x.json']);
    await closeAll();
    store = new MemoryEventStore(new MemoryLog(OTHER_LOG_ID));
    expect(rows(await openFollowing())).toEqual([]);
  });

  describe('after an event that could not be read', () => {
    /** To an older program the last event is of a type it does not know. @returns what it is to a newer one */
    const givenUnknownLast = async (): Promise<() => void> => {
      await record(store, published('a.json'), published('b.json'));
      const { events } = store.log;
      const last = events.length - 1;
      const known = events[last]!;
      events[last] = { ...known, type: 'ContentRenamed' };
      const older = await openFollowing();
      expect([rows(older), older.unreadable(10).count]).toEqual([['a.json'], 1]);
      await closeAll();
      return () => {
        events[last] = known;
      };
    };

    it('builds again once this program can read it', async () => {
      const becomeReadable = await givenUnknownLast();
      becomeReadable();
      const newer = await openFollowing();
      expect(rows(newer)).toEqual(['a.json', 'b.json']);
      expect(newer.unreadable(10)).toEqual({ count: 0, events: [] });
    });

    it('goes on where it was while nobody can', async () => {
      await givenUnknownLast();
      const reopened = await openCatalog({ file, store, clock: systemClock });
      open.push(reopened);
      expect([reopened.checkpoint, rows(reopened)]).toEqual([await store.head(), ['a.json']]);
    });
  });
});

it('passes an event that cannot be read, and lists it', async () => {
  await record(store, published('a.json'));
  store.log.write({
    id: fixtureId(),
    stream: 'content-b.json',
    version: 0,
    type: 'ContentRenamed',
    v: 1,
    data: '{}',
    metadata: '{}',
    body: null,
    reference: null,
  });
  await record(store, published('c.json'));
  const catalog = await openFollowing();
  expect(catalog.documentCounts().published).toBe(2);
  expect(catalog.unreadable(10)).toMatchObject({ count: 1, events: [{ stream: 'content-b.json' }] });
});

it('keeps the last report of each node', async () => {
  const report = (memoryBytes: number): NewEvent =>
    newEvent(
      {
        type: 'NodeReported',
        data: {
          node: 'n1',
          version: '1',
          runtime: 'v24',
          startedAt: AT,
          intervalSeconds: 5,
          projectors: [],
          disks: [],
          memoryBytes,
        },
      },
      derivedEventId('report', `${memoryBytes}`),
    );
  const catalog = await given(report(1), report(2));
  expect(catalog.nodes()).toMatchObject([{ node: 'n1', memoryBytes: 2, reportedAt: AT }]);
  // Whatever the clock of the node said.
  const heardAt = Date.parse(catalog.nodes()[0]!.heardAt);
  expect(Math.abs(Date.now() - heardAt)).toBeLessThan(60_000);
  expect(catalog.auditPositions({ type: 'NodeReported', before: null, limit: 1 })).toEqual([]);
});

it('forgets a node that was retired until it reports again', async () => {
  const reported = (key: string): NewEvent =>
    newEvent(
      {
        type: 'NodeReported',
        data: {
          node: 'n1',
          version: '1',
          runtime: 'v24',
          startedAt: AT,
          intervalSeconds: 5,
          projectors: [],
          disks: [],
          memoryBytes: 1,
        },
      },
      derivedEventId('report', key),
    );
  const catalog = await given(
    reported('first'),
    newEvent({ type: 'NodeRetired', data: { node: 'n1', reason: '' } }),
  );
  expect([catalog.nodes(), catalog.retiredNodes()]).toEqual([[], ['n1']]);
  const [back] = await record(store, reported('second'));
  await catalog.reached(back!.position);
  expect([catalog.nodes().length, catalog.retiredNodes()]).toEqual([1, []]);
});

it('says that it lags when a position does not come', async () => {
  const catalog = await given(published('a.json'));
  await expect(catalog.reached('9'.repeat(16), { timeoutMs: 20 })).rejects.toMatchObject({
    code: 'CATALOG_LAGGING',
  });
});

it('waits without a limit until the signal aborts, and leaves no listener and no timer behind', async () => {
  let timers = 0;
  const sleep: typeof systemClock.sleep = async (ms, signal) => {
    timers += 1;
    await systemClock.sleep(ms, signal);
    timers -= 1;
  };
  const catalog = await openCatalog({ file, store, clock: { ...systemClock, sleep } });
  open.push(catalog);
  const stop = new AbortController();
  const wait = catalog.reached('9'.repeat(16), {
    timeoutMs: Number.POSITIVE_INFINITY,
    signal: stop.signal,
  });
  expect(timers).toBe(0);
  stop.abort();
  await expect(wait).rejects.toMatchObject({
    code: 'CATALOG_LAGGING',
    message: expect.stringContaining('when the waiting was ended'),
  });
  expect([timers, getEventListeners(stop.signal, 'abort')]).toEqual([0, []]);
});
