import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Catalog, openCatalog } from '@holdfast/catalog';
import {
  CommandHandler,
  type EventData,
  HoldfastError,
  type JobKind,
  jobStream,
  type NewEvent,
  nodeStream,
  type RecordedEvent,
} from '@holdfast/domain';
import {
  deleted,
  faultyAppends,
  fixtureId,
  ManualClock,
  MemoryEventStore,
  newEvent,
  path,
  published,
  record,
} from '@holdfast/domain/testing';
import { unreadableEvent } from '@holdfast/storage/testing';
import { directoryDeletion } from './directory-deletion.ts';
import type { RunJob } from './job.ts';
import { JobRunner } from './job-runner.ts';
import { replay } from './replay.ts';
import { retryAll } from './retry-all.ts';

const NODE = 'web-1';
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

let directory: string;
let store: MemoryEventStore;
let faulty: ReturnType<typeof faultyAppends>;
let clock: ManualClock;
let catalog: Catalog;
let runner: JobRunner | null;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-jobs-'));
  store = new MemoryEventStore();
  faulty = faultyAppends(store);
  clock = new ManualClock();
  catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock });
  catalog.start(() => undefined);
  runner = null;
});

afterEach(async () => {
  await runner?.close();
  await catalog.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

const jobsOf = (others: Partial<Record<JobKind, RunJob>> = {}): Partial<Record<JobKind, RunJob>> => ({
  replay: replay(null),
  'directory-deletion': directoryDeletion({
    store: faulty.store,
    catalog,
    commands: new CommandHandler({ store: faulty.store, clock }),
    clock,
  }),
  'retry-all': retryAll({ store: faulty.store, catalog, clock }),
  ...others,
});

async function start(jobs = jobsOf(), inheritsJobs = () => false): Promise<void> {
  await catalog.caughtUp();
  runner = new JobRunner(
    { store: faulty.store, catalog, clock, log: silent, jobs, inheritsJobs },
    { node: NODE },
  );
  runner.start();
}

async function request(kind: JobKind, parameters: EventData<'JobRequested'>['parameters'] = {}, node = NODE) {
  const id = fixtureId();
  await store.append(
    jobStream(id),
    [newEvent({ type: 'JobRequested', data: { kind, node, parameters } })],
    'none',
  );
  return id;
}

const eventsOf = (stream: string): Promise<RecordedEvent[]> => store.readStream(stream, { maxCount: 1_000 });

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited for ${what}.`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await catalog.caughtUp();
}

async function ended(id: string): Promise<EventData<'JobFinished'>> {
  const find = async () => (await eventsOf(jobStream(id))).find(({ type }) => type === 'JobFinished');
  await until('the end of the job', async () => (await find()) !== undefined);
  return (await find())?.data as EventData<'JobFinished'>;
}

const succeeded = (counts: Record<string, number>) => ({ outcome: 'succeeded', counts, error: null });

describe('the job runner', () => {
  it('runs the jobs of its own node, each to one end', async () => {
    const ran: string[] = [];
    const one: RunJob = ({ job }) => Promise.resolve({ ran: ran.push(job.id) });
    const [mine, other] = [await request('replay'), await request('replay', {}, 'web-2')];
    await start(jobsOf({ replay: one }));
    expect(await ended(mine)).toEqual(succeeded({ ran: 1 }));
    const later = await request('replay');
    expect(await ended(later)).toEqual(succeeded({ ran: 2 }));
    expect(ran).toEqual([mine, later]);
    expect(await eventsOf(jobStream(other))).toHaveLength(1);
    expect(catalog.job(mine)).toMatchObject({ state: 'succeeded', counts: { ran: 1 } });
  });

  it('ends what a retired node has left of the whole system, where that is this one to do', async () => {
    const ran: string[] = [];
    const one: RunJob = ({ job }) => Promise.resolve({ ran: ran.push(job.id) });
    const all = jobsOf({ replay: one, 'directory-deletion': one, 'retry-all': one });
    const left = [await request('directory-deletion', {}, 'web-2'), await request('replay', {}, 'web-2')];
    const busy = await request('retry-all', {}, 'web-3');
    await start(all);
    const retired = newEvent({ type: 'NodeRetired', data: { node: 'web-2', reason: '' } });
    await store.append(nodeStream('web-2'), [retired], 'any');
    await ended(await request('retry-all'));
    expect(ran).toHaveLength(1);
    await runner?.close();
    await start(all, () => true);
    await ended(left[0]!);
    await ended(await request('retry-all'));
    expect(ran).toEqual([expect.any(String), left[0], expect.any(String)]);
    expect(await eventsOf(jobStream(busy))).toHaveLength(1);
  });

  it('runs one of a kind at a time, the oldest first, and other kinds beside it', async () => {
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const waiting: RunJob = async ({ job }) => {
      order.push(job.id);
      await gate.promise;
      return {};
    };
    const [first, second] = [await request('replay'), await request('replay')];
    await start(jobsOf({ replay: waiting }));
    const beside = await request('retry-all');
    await ended(beside);
    expect(order).toEqual([first]);
    gate.resolve();
    await ended(second);
    expect(order).toEqual([first, second]);
  });

  it('tells of progress at most once a second, and never after the end', async () => {
    const telling: RunJob = ({ onProgress }) => {
      for (let done = 0; done < 3_500; done += 100) {
        onProgress({ phase: 'working', done, total: 3_500 });
        clock.advance(100);
      }
      return Promise.resolve({});
    };
    const id = await request('replay');
    await start(jobsOf({ replay: telling }));
    await ended(id);
    const types = (await eventsOf(jobStream(id))).map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(['JobRequested', 'JobProgressed']);
    expect(types.filter((type) => type === 'JobProgressed').length).toBeLessThanOrEqual(4);
    expect(types.at(-1)).toBe('JobFinished');
  });

  it('tells what came too soon after something else a second later', async () => {
    const gate = Promise.withResolvers<void>();
    const waiting: RunJob = async ({ onProgress }) => {
      onProgress({ phase: 'comparing', done: 5, total: 5 });
      onProgress({ phase: 'waiting for the bucket', done: 0, total: 5 });
      await gate.promise;
      return {};
    };
    const id = await request('replay');
    await start(jobsOf({ replay: waiting }));
    const phases = async () =>
      (await eventsOf(jobStream(id))).flatMap(({ type, data }) =>
        type === 'JobProgressed' ? [data.phase] : [],
      );
    await until('the second', async () => {
      clock.advance(500);
      return (await phases()).length === 2;
    });
    expect(await phases()).toEqual(['starting', 'waiting for the bucket']);
    gate.resolve();
    await ended(id);
  });

  it('ends a job that fails with the reason', async () => {
    const failing: RunJob = () =>
      Promise.reject(new HoldfastError('DISK_FULL', 'No room for another generation.'));
    const id = await request('replay');
    await start(jobsOf({ replay: failing }));
    expect(await ended(id)).toEqual({
      outcome: 'failed',
      counts: {},
      error: { code: 'DISK_FULL', message: 'No room for another generation.' },
    });
  });

  it('leaves a job that the end of the process cut short to the next start', async () => {
    const endless: RunJob = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
      });
    const id = await request('replay');
    await start(jobsOf({ replay: endless }));
    await until('the job to run', () => catalog.job(id)?.state === 'running');
    await runner?.close();
    expect((await eventsOf(jobStream(id))).map(({ type }) => type)).not.toContain('JobFinished');
    await start(jobsOf({ replay: () => Promise.resolve({ documents: 3 }) }));
    expect(await ended(id)).toEqual(succeeded({ documents: 3 }));
  });

  it('records one end, though the log loses the answer', async () => {
    const id = await request('replay');
    faulty.failAppend({ after: 1, lose: 'answer' });
    await start(jobsOf({ replay: () => Promise.resolve({}) }));
    await until('the end', () => {
      clock.advance(1_000);
      return catalog.job(id)?.state === 'succeeded';
    });
    const ends = (await eventsOf(jobStream(id))).filter(({ type }) => type === 'JobFinished');
    expect(ends).toHaveLength(1);
  });

  it('refuses parameters that the job cannot have, and a replay where there is no local projector', async () => {
    const [wrong, lone] = [await request('directory-deletion', { directory: 7 }), await request('replay')];
    await start();
    expect(await ended(wrong)).toMatchObject({ outcome: 'failed', error: { code: 'REQUEST_INVALID' } });
    expect(await ended(lone)).toMatchObject({ outcome: 'failed', error: { code: 'REQUEST_INVALID' } });
  });
});

describe('a directory deletion', () => {
  const inPlan = Array.from({ length: 700 }, (_, index) => `plans/p1/subjects/${index}.json`);
  const requestDeletion = async (directoryName = 'plans/p1/') =>
    request('directory-deletion', {
      directory: directoryName,
      reason: 'season over',
      position: await store.head(),
    });
  const stateOf = async (at: string) => (await eventsOf(`content-${at}`)).map(({ type }) => type);
  const statuses = async () => {
    await catalog.caughtUp();
    return catalog.documentCounts();
  };

  it('FR-018 deletes everything below it, and nothing beside it', async () => {
    await record(
      store,
      ...inPlan.map((at) => published(at)),
      published('plans/p10/a.json'),
      published('plans/p1.json'),
    );
    const id = await requestDeletion();
    await start();
    expect(await ended(id)).toEqual(succeeded({ deleted: 700, kept: 0 }));
    expect(await statuses()).toEqual({ published: 2, deleted: 700 });
    const [, deletion] = await eventsOf(`content-${inPlan[0]}`);
    const [requested] = await eventsOf(jobStream(id));
    expect(deletion).toMatchObject({
      type: 'ContentDeleted',
      data: { path: inPlan[0], reason: 'season over', directory: 'plans/p1/' },
      metadata: { correlationId: 'request-1', causationId: requested?.id, actor: 'local' },
    });
  });

  it('keeps what is published after it was asked for', async () => {
    await record(
      store,
      published('plans/p1/old.json'),
      published('plans/p1/again.json'),
      published('plans/p1/gone.json'),
    );
    const id = await requestDeletion();
    await record(
      store,
      published('plans/p1/again.json', { new: true }),
      published('plans/p1/new.json'),
      deleted('plans/p1/gone.json'),
    );
    await start();
    expect(await ended(id)).toEqual(succeeded({ deleted: 1, kept: 2 }));
    expect(await stateOf('plans/p1/old.json')).toEqual(['ContentPublished', 'ContentDeleted']);
    expect(await stateOf('plans/p1/again.json')).toEqual(['ContentPublished', 'ContentPublished']);
    expect(await stateOf('plans/p1/new.json')).toEqual(['ContentPublished']);
    expect(await stateOf('plans/p1/gone.json')).toEqual(['ContentPublished', 'ContentDeleted']);
  });

  it('keeps what is published in the moment of the deletion', async () => {
    await record(store, published('plans/p1/a.json'));
    const id = await requestDeletion();
    await catalog.caughtUp();
    // The catalog the job walks does not know of it yet.
    const stale = { documents: catalog.documents.bind(catalog) };
    const known = catalog.documents({ prefix: 'plans/p1/', after: null, limit: 10 });
    stale.documents = () => known;
    await record(store, published('plans/p1/a.json', { new: true }));
    const commands = new CommandHandler({ store, clock });
    await start(
      jobsOf({ 'directory-deletion': directoryDeletion({ store, catalog: stale, commands, clock }) }),
    );
    expect(await ended(id)).toEqual(succeeded({ deleted: 0, kept: 1 }));
  });

  describe('of documents whose last event cannot be read', () => {
    const publishUnreadable = (at: string): void => {
      store.log.write(unreadableEvent(`content-${at}`, 1));
    };

    it('deletes all others, and fails saying how many it could not delete, and which is the first', async () => {
      await record(store, ...inPlan.map((at) => published(at)));
      // Of two pages: `50.json` is on the first one.
      const unreadable = [inPlan[600]!, inPlan[50]!, inPlan[8]!];
      unreadable.forEach(publishUnreadable);
      const id = await requestDeletion();
      await start();
      const { outcome, error } = await ended(id);
      expect([outcome, error?.code]).toEqual(['failed', 'EVENT_UNREADABLE']);
      expect(error?.message).toContain('Not all of plans/p1/ was deleted: 697 documents were, 0 ');
      expect(error?.message).toContain(', and 3 could not be');
      const [first] = [...unreadable].sort();
      expect(error?.message).toContain(`The first: The event ContentRenamed (v1) at position `);
      expect(error?.message).toContain(`, version 1 of content-${first}, cannot be read`);
      expect(await statuses()).toEqual({ published: 3, deleted: 697 });
    });

    it('keeps what was published after it was asked for, though it cannot be read', async () => {
      await record(store, published('plans/p1/a.json'), published('plans/p1/b.json'));
      const id = await requestDeletion();
      publishUnreadable('plans/p1/a.json');
      await start();
      expect(await ended(id)).toEqual(succeeded({ deleted: 1, kept: 1 }));
    });
  });

  it('goes on after a crash, deletes each once, and counts them all', async () => {
    await record(store, ...inPlan.map((at) => published(at)));
    const id = await requestDeletion();
    faulty.failAppend({ after: 301, times: 1_000_000 });
    await start();
    await until('a part to be deleted', async () => (await statuses()).deleted >= 300);
    let isClosed = false;
    void runner?.close().then(() => {
      isClosed = true;
    });
    await until('the end of the process', () => {
      clock.advance(1_000);
      return isClosed;
    });
    faulty.heal();
    await start();
    expect(await ended(id)).toEqual(succeeded({ deleted: 700, kept: 0 }));
    for (const at of inPlan) expect(await stateOf(at)).toEqual(['ContentPublished', 'ContentDeleted']);
  });

  it('deletes each once though the log loses answers', async () => {
    await record(store, ...inPlan.slice(0, 50).map((at) => published(at)));
    const id = await requestDeletion();
    faulty.failAppend({ after: 5, times: 10, lose: 'answer' });
    await start();
    await until('the end of the job', () => {
      clock.advance(1_000);
      return catalog.job(id)?.state === 'succeeded';
    });
    expect(catalog.job(id)?.counts).toEqual({ deleted: 50, kept: 0 });
    for (const at of inPlan.slice(0, 50))
      expect(await stateOf(at)).toEqual(['ContentPublished', 'ContentDeleted']);
  });
});

describe('retrying everything', () => {
  const error = { code: 'OBJECT_STORE_UNAVAILABLE', message: 'It did not answer.' };
  const about = (at: string) => ({ path: path(at), version: 0, action: 'put' as const });
  const failed = (at: string): NewEvent =>
    newEvent({
      type: 'ReplicationFailed',
      data: { ...about(at), attempt: 1, error, nextRetryAt: '2026-01-05T09:00:00.000Z', durationMs: 5 },
    });
  const dead = (at: string): NewEvent =>
    newEvent({ type: 'ReplicationDeadLettered', data: { ...about(at), attempts: 8, error } });
  const replicated = (at: string): NewEvent =>
    newEvent({
      type: 'ContentReplicated',
      data: { ...about(at), sha256: 'a'.repeat(64), etag: 'e', attempt: 1, durationMs: 5 },
    });
  const lastOf = async (at: string) => (await eventsOf(`replication-${at}`)).at(-1)?.type;

  it('FR-017 asks again for dead letters and for what waits for its next retry', async () => {
    const paths = Array.from({ length: 600 }, (_, index) => `dead/${index}.json`);
    await record(store, ...paths.flatMap((at) => [published(at), dead(at)]));
    await record(store, published('waiting.json'), failed('waiting.json'));
    await record(store, published('well.json'), replicated('well.json'), published('queued.json'));
    const id = await request('retry-all');
    await start();
    expect(await ended(id)).toEqual(succeeded({ requested: 601 }));
    expect(catalog.replicationCounts()).toMatchObject({
      queued: 602,
      success: 1,
      failed: 0,
      'dead-letter': 0,
    });
    expect(await lastOf('waiting.json')).toBe('ReplicationRetryRequested');
    expect(await lastOf('well.json')).toBe('ContentReplicated');
    expect(await lastOf('queued.json')).toBeUndefined();
  });

  it('tells how many it has asked for of how many', async () => {
    const paths = Array.from({ length: 600 }, (_, index) => `dead/${index}.json`);
    await record(store, ...paths.flatMap((at) => [published(at), dead(at)]));
    const told: EventData<'JobProgressed'>[] = [];
    const retrying = retryAll({ store, catalog, clock });
    const id = await request('retry-all');
    const listening: RunJob = (run) =>
      retrying({
        ...run,
        onProgress: (progress) => {
          told.push(progress);
        },
      });
    await start(jobsOf({ 'retry-all': listening }));
    await ended(id);
    expect(told).toEqual([
      { phase: 'asking', done: 512, total: 600 },
      { phase: 'asking', done: 600, total: 600 },
    ]);
  });

  it('misses nothing that fails for the last time meanwhile', async () => {
    await record(store, published('a.json'), failed('a.json'), published('b.json'), dead('b.json'));
    await catalog.caughtUp();
    const id = await request('retry-all');
    const changing: Pick<Catalog, 'replications' | 'replicationCounts'> = {
      replicationCounts: () => catalog.replicationCounts(),
      replications: (question) => {
        const page = catalog.replications(question);
        // Known to the catalog before it is asked again, as it follows the memory log at once.
        if (question.after === null) void record(store, dead('a.json'));
        return page;
      },
    };
    await start(jobsOf({ 'retry-all': retryAll({ store, catalog: changing, clock }) }));
    expect(await ended(id)).toEqual(succeeded({ requested: 2 }));
    expect(await lastOf('a.json')).toBe('ReplicationRetryRequested');
  });

  it('leaves alone what has reached the bucket meanwhile', async () => {
    await record(store, published('a.json'), dead('a.json'));
    const id = await request('retry-all');
    await catalog.caughtUp();
    const rows = catalog.replications({ status: 'dead-letter', after: null, limit: 10 });
    const stale = {
      replications: () => rows,
      replicationCounts: () => catalog.replicationCounts(),
    };
    await record(store, replicated('a.json'));
    await start(jobsOf({ 'retry-all': retryAll({ store, catalog: stale, clock }) }));
    expect(await ended(id)).toEqual(succeeded({ requested: 0 }));
    expect(await lastOf('a.json')).toBe('ContentReplicated');
  });
});
