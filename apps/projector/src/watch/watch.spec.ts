import { describe, expect, it } from '@jest/globals';
import type { CatalogScan } from '@holdfast/catalog';
import type { Position } from '@holdfast/domain';
import type { Finding, Lookout } from '@holdfast/health';
import { deleted, ManualClock, MemoryEventStore, published, record } from '@holdfast/domain/testing';
import type { PurgingStatus } from '../cdn/purging.ts';
import type { ProjectorStatus } from '../local/condition.ts';
import { lookAtMismatch } from './look-at-mismatch.ts';
import { lookAtDeadLetters, lookAtPurging } from './look-at-replication.ts';
import { lookAtScans } from './look-at-scans.ts';
import { onceCaughtUp } from './once-caught-up.ts';
import { scanSchedules } from './scan-schedules.ts';
import { OneOfAll, whileInCharge } from './one-of-all.ts';

const NO_COUNTS = { queued: 0, failed: 0, success: 0, superseded: 0, 'dead-letter': 0 };

/** Codes and subjects of what holds; null where nothing was said. */
async function found(lookout: Lookout): Promise<string[] | null> {
  const findings = await lookout.look();
  if (findings.length === 0) return null;
  return findings.filter(({ problem }) => problem !== null).map(({ code, subject }) => `${code} ${subject}`);
}

it('FR-017 dead letters are one alert with their count', async () => {
  const counts = { ...NO_COUNTS };
  const lookout = lookAtDeadLetters({ replicationCounts: () => counts });
  expect(await found(lookout)).toEqual([]);
  counts['dead-letter'] = 100_000;
  const [finding] = (await lookout.look()) as Finding[];
  expect(finding).toMatchObject({
    code: 'REPLICATION_DEAD_LETTERED',
    subject: '-',
    problem: { severity: 'critical', details: { count: 100_000 } },
  });
});

it('purges fail that have waited for five minutes without an end', async () => {
  const clock = new ManualClock();
  let state: PurgingStatus['state'] = 'waiting';
  const status = (): PurgingStatus => ({
    state,
    reason: 'PURGE_DENIED: no',
    pending: 2,
    oldestPendingAt: null,
    refused: 0,
  });
  const lookout = lookAtPurging({ status }, clock);
  expect(await found(lookout)).toBeNull();
  clock.advance(299_999);
  expect(await found(lookout)).toBeNull();
  state = 'starting';
  expect(await found(lookout)).toBeNull();
  state = 'running';
  expect(await found(lookout)).toEqual([]);
  state = 'waiting';
  expect(await found(lookout)).toBeNull();
  clock.advance(300_000);
  expect(await found(lookout)).toEqual(['PURGE_FAILING -']);
});

it('a projector that stopped for another log is told of, with what to do', async () => {
  const of = (name: 'local' | 'cdn', state: ProjectorStatus['state'], reason: string | null) =>
    ({ name, state, reason, checkpoint: null, pending: 0, oldestPendingAt: null }) as const;
  let statuses: ProjectorStatus[] = [of('local', 'running', null), of('cdn', 'starting', null)];
  const lookout = lookAtMismatch('web-1/projector', () => statuses);
  expect(await found(lookout)).toBeNull();
  statuses = [of('local', 'running', null), of('cdn', 'stopped', 'INTERNAL: a bug')];
  expect(await found(lookout)).toEqual([]);
  statuses = [of('local', 'starting', null), of('cdn', 'stopped', 'LOG_MISMATCH: The bucket belongs to x.')];
  const [finding] = (await lookout.look()) as Finding[];
  expect(finding).toMatchObject({
    code: 'LOG_MISMATCH',
    subject: 'web-1/projector',
    problem: {
      message: expect.stringContaining('The bucket belongs to x.'),
      details: { projectors: ['cdn'] },
    },
  });
});

describe('the scans', () => {
  const DAY_MS = 24 * 3_600_000;
  const at = (text: string): Date => new Date(`2026-01-${text}Z`);
  /** Due every night at two. */
  const nightly = {
    kind: 'full' as const,
    dueBefore: (instant: Date) =>
      new Date(Math.floor((instant.getTime() - 2 * 3_600_000 - 1) / DAY_MS) * DAY_MS + 2 * 3_600_000),
  };
  const scan = (kind: CatalogScan['kind'], startedAt: Date) =>
    ({ kind, startedAt: startedAt.toISOString() }) as CatalogScan;
  /** @param newestFirst  as the catalog has them */
  const look = (now: Date, newestFirst: readonly CatalogScan[], since = at('01T00:00')) =>
    found(
      lookAtScans({
        node: 'web-1',
        schedules: [nightly],
        scans: ({ kind, limit }) => newestFirst.filter((each) => each.kind === kind).slice(0, limit),
        since,
        now: () => now,
      }),
    );

  const manyQuick = Array.from({ length: 120 }, () => scan('quick', at('06T11:55')));

  it.each<[string, string, CatalogScan[], boolean]>([
    ['made tonight', '06T05:00', [scan('full', at('06T02:00'))], false],
    ['made by a deeper one', '06T05:00', [scan('deep', at('06T02:30'))], false],
    ['due a moment ago', '06T03:59', [scan('full', at('05T02:00'))], false],
    ['due two hours ago', '06T04:01', [scan('full', at('05T02:00'))], true],
    ['replaced by a lesser one', '06T04:01', [scan('quick', at('06T03:00'))], true],
    ['never made', '06T04:01', [], true],
    ['followed by many lesser ones', '06T12:00', [...manyQuick, scan('full', at('06T02:00'))], false],
  ])('one that was %s: overdue %#', async (_, now, scans, isOverdue) => {
    expect(await look(at(now), scans)).toEqual(isOverdue ? ['SCAN_OVERDUE web-1/full'] : []);
  });

  it('of what was due before anybody could scan nothing is known', async () => {
    expect(await look(at('06T04:01'), [], at('06T02:01'))).toBeNull();
    expect(await look(at('06T04:01'), [scan('quick', at('06T03:00'))], at('06T02:01'))).toBeNull();
  });
});

it('scans are due by their patterns, in their time zone', () => {
  const [quick, full, ...rest] = scanSchedules({
    quickScan: '0 8-18 * * 1-5',
    fullScan: '0 2 * * *',
    timezone: 'Europe/Berlin',
  });
  const monday = new Date('2026-01-05T06:30:00Z');
  expect([quick?.kind, quick?.dueBefore(monday)]).toEqual(['quick', new Date('2026-01-02T17:00:00Z')]);
  expect([full?.kind, full?.dueBefore(monday)]).toEqual(['full', new Date('2026-01-05T01:00:00Z')]);
  expect(rest).toEqual([]);
});

it('SCAN_OVERDUE ends where scans of that kind are not to be made any more', () => {
  const lookout = lookAtScans({
    node: 'web-1',
    schedules: scanSchedules({ quickScan: null, fullScan: null, timezone: 'UTC' }),
    scans: () => [],
    since: new Date('2026-01-01T00:00:00Z'),
    now: () => new Date('2026-01-05T06:30:00Z'),
  });
  expect(lookout.look()).toEqual([
    { code: 'SCAN_OVERDUE', subject: 'web-1/quick', problem: null },
    { code: 'SCAN_OVERDUE', subject: 'web-1/full', problem: null },
  ]);
});

it('what the catalog says counts once it has come to where the log was at the start', async () => {
  const store = new MemoryEventStore();
  await record(store, published('units/a.json'), deleted('units/a.json'));
  const catalog: { checkpoint: Position | null } = { checkpoint: null };
  const lookout = onceCaughtUp({ store, catalog }, lookAtDeadLetters({ replicationCounts: () => NO_COUNTS }));
  expect(await found(lookout)).toBeNull();
  const head = await store.head();
  await record(store, published('units/b.json'));
  catalog.checkpoint = '0'.repeat(head.length);
  expect(await found(lookout)).toBeNull();
  catalog.checkpoint = head;
  expect(await found(lookout)).toEqual([]);
});

it('what there is one of is looked at by who holds the lock', async () => {
  const lock = { isHeld: false };
  const counts = { ...NO_COUNTS, 'dead-letter': 1 };
  const lookout = whileInCharge(() => lock.isHeld, lookAtDeadLetters({ replicationCounts: () => counts }));
  expect(await found(lookout)).toBeNull();
  lock.isHeld = true;
  expect(await found(lookout)).toEqual(['REPLICATION_DEAD_LETTERED -']);
  lock.isHeld = false;
  expect(await found(lookout)).toBeNull();
});

describe('while nobody who reports holds the lock of the bucket', () => {
  const AT = new Date('2026-01-05T08:00:00Z');
  type State = 'running' | 'standing-by' | 'stopped' | 'waiting';
  const report = (node: string, cdn: State | null, secondsAgo = 0) => ({
    node,
    intervalSeconds: 5,
    heardAt: new Date(AT.getTime() - secondsAgo * 1_000).toISOString(),
    projectors: (cdn === null ? [] : [cdn]).map((state) => ({
      ...({ name: 'cdn', state, reason: null, checkpoint: null, pending: 0, oldestPendingAt: null } as const),
    })),
  });
  const inCharge = (...reports: ReturnType<typeof report>[]): string[] =>
    ['web-1', 'web-2', 'worker'].filter((node) => {
      const ports = {
        lock: { isHeld: false },
        nodes: () => reports,
        now: () => AT,
        onDeputy: () => undefined,
      };
      return new OneOfAll(ports, node).isInCharge();
    });

  it('the first by name of those that report looks at what concerns every node', () => {
    expect(inCharge(report('worker', 'running'), report('web-1', null), report('web-2', null))).toEqual([]);
    expect(inCharge(report('worker', 'waiting'), report('web-1', null))).toEqual([]);
    const gone = report('worker', 'running', 16);
    expect(inCharge(gone, report('web-2', null), report('web-1', null))).toEqual(['web-1']);
    expect(inCharge(gone, report('web-1', null, 16), report('web-2', 'standing-by'))).toEqual(['web-2']);
    expect(inCharge(report('worker', 'stopped'), report('web-1', null))).toEqual(['web-1']);
  });

  it('it takes up what the one before has told, each time', () => {
    let reports = [report('worker', 'running'), report('web-1', null)];
    let [isHeld, deputies] = [false, 0];
    const lock = {
      get isHeld() {
        return isHeld;
      },
    };
    const onDeputy = (): void => void (deputies += 1);
    const oneOfAll = new OneOfAll({ lock, nodes: () => reports, now: () => AT, onDeputy }, 'web-1');
    expect([oneOfAll.isInCharge(), deputies]).toEqual([false, 0]);
    reports = [report('worker', 'running', 20), report('web-1', null)];
    expect([oneOfAll.isInCharge(), oneOfAll.isInCharge(), deputies]).toEqual([true, true, 1]);
    isHeld = true;
    expect([oneOfAll.isInCharge(), deputies]).toEqual([true, 1]);
    isHeld = false;
    expect([oneOfAll.isInCharge(), deputies]).toEqual([true, 2]);
  });
});
