import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from '@jest/globals';
import { type ContentPath, type LogEntry, type NewEvent, systemClock } from '@holdfast/domain';
import { deleted, METADATA, newEvent, path, published, recorded } from '@holdfast/domain/testing';
import fc from 'fast-check';
import { Applier } from './apply.ts';
import { listReplications, type ReplicationsQuestion } from './list-replications.ts';
import { Queries } from './queries.ts';
import { findOldestPending, listDue } from './replications.ts';
import { REPLICATION_STATUSES, type ReplicationRow, type ReplicationStatus } from './rows.ts';
import { CATALOG_MIGRATIONS } from './schema.ts';

const PATHS = [path('a/1.json'), path('a/2.json'), path('b.json')];
const FAR_AHEAD = new Date('2100-01-01');
const error = { code: 'OBJECT_STORE_UNAVAILABLE', message: 'It is away.' };

/** A history and its rows; events get the positions and versions that a log gives. */
class World {
  readonly db = new DatabaseSync(':memory:');
  readonly queries = new Queries(this.db);
  readonly applier: Applier;
  readonly #versions = new Map<ContentPath, number>();
  #position = 0;

  constructor() {
    for (const sql of CATALOG_MIGRATIONS) this.db.exec(sql);
    this.applier = new Applier(this.db, systemClock);
  }

  apply(...steps: readonly Step[]): void {
    this.applier.applyPage(steps.map((step) => this.#record(step)));
  }

  /** The newest version of a path; -1: none. */
  newest(at: ContentPath): number {
    return this.#versions.get(at) ?? -1;
  }

  page(question: Partial<ReplicationsQuestion>) {
    return listReplications(this.queries, { after: null, limit: 1_000, ...question });
  }

  /** Page by page until there are no more. */
  rows(question: Partial<ReplicationsQuestion> = {}): ReplicationRow[] {
    const rows: ReplicationRow[] = [];
    for (let after: string | null = null; ;) {
      const page = this.page({ ...question, after });
      rows.push(...page.rows);
      after = page.next;
      if (after === null) return rows;
    }
  }

  counts(): Record<string, number> {
    return Object.fromEntries(REPLICATION_STATUSES.map((status) => [status, this.applier.count(status)]));
  }

  #record({ at, does, back = 0, hoursLater = 0 }: Step): LogEntry {
    this.#position += 1;
    const event = {
      ...makeEvent(at, does, this.newest(at) - back),
      metadata: { ...METADATA, at: later(hoursLater).toISOString() },
    };
    const isContent = does === 'publish' || does === 'delete';
    if (isContent) this.#versions.set(at, this.newest(at) + 1);
    const position = String(this.#position).padStart(16, '0');
    return recorded(event, { position, version: isContent ? this.newest(at) : 0 });
  }
}

interface Step {
  readonly at: ContentPath;
  readonly does: 'publish' | 'delete' | 'replicated' | 'failed' | 'given up' | 'retry';
  /** An outcome of so many versions before the newest. */
  readonly back?: number;
  /** By the clock of whoever did it; clocks need not agree. */
  readonly hoursLater?: number;
}

const later = (hours: number): Date => new Date(Date.parse(METADATA.at) + hours * 3_600_000);

function makeEvent(at: ContentPath, does: Step['does'], about: number): NewEvent {
  // What the log cannot hold is made something else, so that every history is one.
  const version = Math.max(about, 0);
  switch (does) {
    case 'publish':
      return published(at);
    case 'delete':
      return deleted(at);
    case 'replicated': {
      const data = { path: at, version, sha256: null, etag: null, attempt: 1, durationMs: 5 };
      return newEvent({ type: 'ContentReplicated', data: { ...data, action: 'delete' } });
    }
    case 'failed': {
      const data = { path: at, version, attempt: 1, error, nextRetryAt: METADATA.at, durationMs: 5 };
      return newEvent({ type: 'ReplicationFailed', data: { ...data, action: 'put' } });
    }
    case 'given up': {
      const data = { path: at, version, attempts: 8, error };
      return newEvent({ type: 'ReplicationDeadLettered', data: { ...data, action: 'put' } });
    }
    case 'retry':
      return newEvent({ type: 'ReplicationRetryRequested', data: { path: at, version } });
  }
}

const anyQuarter = fc.integer({ min: 0, max: 12 }).map((quarters) => quarters / 4);
const anyStep: fc.Arbitrary<Step> = fc.record({
  at: fc.constantFrom(...PATHS),
  does: fc.constantFrom('publish', 'publish', 'delete', 'replicated', 'failed', 'given up', 'retry'),
  // Mostly of the newest version, and now and then of one that nobody wants any more, or that never was.
  back: fc.constantFrom(0, 0, 0, 1, 2, -1),
  hoursLater: anyQuarter,
});
const anyHistory = fc.array(fc.array(anyStep, { maxLength: 5 }), { maxLength: 20 });

const ofStatus = (rows: readonly ReplicationRow[], ...statuses: ReplicationStatus[]) =>
  rows.filter(({ status }) => statuses.includes(status));

describe('the replication log', () => {
  it('FR-023 has, after every page of any history, counts that agree with its rows and with what is due', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const world = new World();
        for (const steps of history) {
          world.apply(...steps);
          const rows = world.rows();
          for (const status of REPLICATION_STATUSES) {
            const some = ofStatus(rows, status);
            expect([status, world.counts()[status]]).toEqual([status, some.length]);
            expect(world.rows({ status })).toEqual(some);
          }
          const since = later(1.5);
          expect(world.rows({ since })).toEqual(
            rows.filter(({ queuedAt }) => queuedAt >= since.toISOString()),
          );
          // Nothing but the newest version waits, fails or is given up.
          for (const row of ofStatus(rows, 'queued', 'failed', 'dead-letter')) {
            expect(row.version).toBe(world.newest(row.path));
          }
          for (const at of PATHS)
            if (world.newest(at) >= 0)
              expect(rows.find((row) => row.path === at)).not.toMatchObject({ status: 'superseded' });
          const waiting = ofStatus(rows, 'queued', 'failed');
          const due = listDue(world.queries, { now: FAR_AHEAD, limit: 100, exclude: new Set() });
          expect(due.map(({ position }) => position).sort()).toEqual(
            waiting.map(({ position }) => position).sort(),
          );
          expect(findOldestPending(world.queries) !== null).toBe(waiting.length > 0);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('has pages on which each row stands once, however rows change and arrive between them', () => {
    const question = fc.record(
      {
        status: fc.uniqueArray(fc.constantFrom(...REPLICATION_STATUSES), { minLength: 1 }),
        prefix: fc.constantFrom('', 'a/', 'b', 'c'),
        since: anyQuarter.map(later),
        limit: fc.integer({ min: 1, max: 3 }),
      },
      { requiredKeys: ['limit'] },
    );
    fc.assert(
      fc.property(
        anyHistory,
        fc.infiniteStream(fc.array(anyStep, { maxLength: 4 })),
        question,
        (history, changes, asked) => {
          const world = new World();
          world.apply(...history.flat());
          const { limit, ...filter } = asked;
          const key = ({ path: at, version }: ReplicationRow) => `${at} ${version}`;
          let always = new Set(world.rows(filter).map(key));
          const seen: string[] = [];
          for (let after: string | null = null; ;) {
            const page = world.page({ ...filter, after, limit });
            seen.push(...page.rows.map(key));
            after = page.next;
            if (after === null) break;
            world.apply(...(changes.next().value as Step[]));
            const now = new Set(world.rows(filter).map(key));
            always = new Set([...always].filter((row) => now.has(row)));
          }
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen).toEqual(expect.arrayContaining([...always]));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is found by path, prefix, status and time, and by all of them together', () => {
    const world = new World();
    const [one, two, other] = PATHS as [ContentPath, ContentPath, ContentPath];
    world.apply(
      { at: one, does: 'publish' },
      { at: two, does: 'publish' },
      { at: other, does: 'publish' },
      { at: one, does: 'given up' },
      { at: two, does: 'failed' },
      { at: two, does: 'publish' },
    );
    const found = (question: Partial<ReplicationsQuestion>) =>
      world.rows(question).map((row) => `${row.path} ${row.version} ${row.status}`);
    expect(found({ path: two })).toEqual(['a/2.json 1 queued', 'a/2.json 0 superseded']);
    expect(found({ path: 'a' })).toEqual([]);
    expect(found({ prefix: 'a/' })).toEqual([
      'a/2.json 1 queued',
      'a/2.json 0 superseded',
      'a/1.json 0 dead-letter',
    ]);
    expect(found({ prefix: 'a/2' })).toHaveLength(2);
    expect(found({ status: ['dead-letter', 'queued'] })).toEqual([
      'a/2.json 1 queued',
      'b.json 0 queued',
      'a/1.json 0 dead-letter',
    ]);
    expect(found({ prefix: 'a/', status: ['queued', 'superseded'], since: new Date(METADATA.at) })).toEqual([
      'a/2.json 1 queued',
      'a/2.json 0 superseded',
    ]);
    expect(found({ since: new Date(Date.parse(METADATA.at) + 1) })).toEqual([]);
    expect(found({ path: two, prefix: 'b' })).toEqual([]);
  });

  it('looks at so many rows in one call that it holds up nobody, and finds the few among many all the same', () => {
    const world = new World();
    const many = Array.from({ length: 12_000 }, (_, index) => path(`many/${index}.json`));
    world.apply({ at: PATHS[0]!, does: 'publish' }, { at: PATHS[0]!, does: 'publish' });
    world.apply(...many.map((at) => ({ at, does: 'publish' }) as const));
    world.apply({ at: PATHS[0]!, does: 'given up' });
    const first = world.page({ status: ['superseded'] });
    expect(first.rows).toEqual([]);
    expect(first.next).not.toBeNull();
    expect(world.rows({ status: ['superseded'] })).toMatchObject([{ path: 'a/1.json', version: 0 }]);
    expect(world.page({ status: ['dead-letter'] }).rows).toHaveLength(1);
    expect(world.page({ prefix: 'a/' })).toMatchObject({
      rows: [{ version: 1 }, { version: 0 }],
      next: null,
    });
    expect(world.rows({ prefix: 'many/1', status: ['queued', 'failed'] })).toHaveLength(
      many.filter((at) => at.startsWith('many/1')).length,
    );
    expect(world.rows({ prefix: 'many/', limit: 7 }).map((row) => row.path)).toEqual([...many].reverse());
  });
});

describe('a row of the replication log', () => {
  const A = PATHS[0]!;
  const row = (...steps: Step['does'][]) => {
    const world = new World();
    world.apply(...steps.map((does) => ({ at: A, does })));
    return world.rows()[0];
  };

  it('names what it came from: the request, and who made it', () => {
    expect(row('publish')).toMatchObject({
      cause: { correlationId: 'request-1', causationId: 'request-1', actor: 'local' },
    });
  });

  it('counts the attempts of all rounds, and keeps the last error until one succeeds', () => {
    expect(row('publish', 'failed', 'given up')).toMatchObject({ status: 'dead-letter', attempts: 8, error });
    expect(row('publish', 'given up', 'retry')).toMatchObject({ status: 'queued', attempts: 8, error });
    expect(row('publish', 'given up', 'retry', 'failed')).toMatchObject({ status: 'failed', attempts: 9 });
    expect(row('publish', 'given up', 'retry', 'replicated')).toMatchObject({
      status: 'success',
      attempts: 9,
      error: null,
    });
  });

  it('believes nothing of the bucket once it was asked for again', () => {
    expect(row('publish', 'replicated', 'retry')).toMatchObject({
      status: 'queued',
      cdnSha256: null,
      etag: null,
      verified: false,
    });
  });

  it('is queued again when an older version is recorded after it', () => {
    const world = new World();
    world.apply({ at: A, does: 'publish' }, { at: A, does: 'publish' }, { at: A, does: 'replicated' });
    world.apply({ at: A, does: 'replicated', back: 1 });
    expect(world.rows().map(({ version, status }) => [version, status])).toEqual([
      [1, 'queued'],
      [0, 'success'],
    ]);
    world.apply({ at: A, does: 'replicated' });
    expect(world.rows()[0]).toMatchObject({ status: 'success', attempts: 2 });
  });
});
