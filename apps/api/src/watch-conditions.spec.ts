import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Catalog, openCatalog } from '@holdfast/catalog';
import { AT, ManualClock, MemoryEventStore, METADATA, newEvent, record } from '@holdfast/domain/testing';
import type { Finding } from '@holdfast/health';
import type { ProjectorTrouble, ProjectorVerdict } from './projector-watch.ts';
import { lookAtProjectors, unlessToldElsewhere } from './watch-conditions.ts';

const clock = new ManualClock();
type Projector = 'local' | 'cdn' | null;
const well = (projector: Projector): ProjectorVerdict => ({ projector, trouble: null });
const trouble = (code: ProjectorTrouble['code'], projector: Projector): ProjectorVerdict => ({
  projector,
  trouble: { code, projector, detail: 'It does nothing.', since: new Date(AT) },
});

async function look(...verdicts: readonly ProjectorVerdict[]): Promise<unknown[]> {
  const watch = { look: () => Promise.resolve([...verdicts]) };
  const findings = await lookAtProjectors('web-1', watch, clock).look();
  return findings.map(({ subject, problem }) => [subject, problem?.details['reason'] ?? null]);
}

it('a projector that gets nothing done is an alert of its own', async () => {
  expect(await look(well('local'), trouble('PROJECTOR_STALLED', 'cdn'), well(null))).toEqual([
    ['web-1/local', null],
    ['web-1/cdn', 'PROJECTOR_STALLED'],
    ['web-1', null],
  ]);
});

it('a projector that is silent is one after a minute, as a restart wakes nobody', async () => {
  const silent = trouble('PROJECTOR_SILENT', 'local');
  expect(await look(silent, well(null))).toEqual([['web-1', null]]);
  clock.advance(60_000);
  expect(await look(silent, well(null))).toEqual([
    ['web-1/local', 'PROJECTOR_SILENT'],
    ['web-1', null],
  ]);
});

it('a node that never reported is one too, until it does', async () => {
  clock.advance(60_000);
  expect(await look(trouble('PROJECTOR_SILENT', null))).toEqual([['web-1', 'PROJECTOR_SILENT']]);
  expect(await look(well('local'), well(null))).toEqual([
    ['web-1/local', null],
    ['web-1', null],
  ]);
});

describe('a low disk', () => {
  const LOW = { code: 'DISK_LOW', subject: 'web-1/data' } as const;
  const alert = { ...LOW, severity: 'warning', message: 'Little is free.', details: {} } as const;
  let directory: string;
  let time: ManualClock;
  let store: MemoryEventStore;
  let catalog: Catalog;
  let problem: Finding['problem'];
  let tell: () => Promise<string>;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-watch-'));
    time = new ManualClock();
    store = new MemoryEventStore();
    catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock: time });
    catalog.start(() => undefined);
    problem = { severity: 'warning', message: 'Little is free.', details: {} };
    const lookout = { what: 'the disks', look: () => [{ ...LOW, problem }] };
    const watched = unlessToldElsewhere(lookout, { catalog, clock: time, node: 'web-1' });
    tell = async () => {
      await catalog.caughtUp();
      const [finding] = await watched.look();
      if (finding === undefined) return 'nothing';
      return finding.problem === null ? 'over' : 'low';
    };
  });

  afterEach(async () => {
    await catalog.close();
    await store.close();
    rmSync(directory, { recursive: true });
  });

  const report = (name: 'local' | 'cdn' = 'local') => {
    const state = {
      state: 'running',
      reason: null,
      checkpoint: null,
      pending: 0,
      oldestPendingAt: null,
    } as const;
    const data = {
      node: 'web-1',
      version: '1',
      runtime: 'node',
      startedAt: AT,
      intervalSeconds: 5,
      projectors: [{ name, ...state }],
      disks: [],
      memoryBytes: 1,
    };
    return record(store, newEvent({ type: 'NodeReported', data }));
  };
  const raisedBy = (actor: string) =>
    record(store, { ...newEvent({ type: 'AlertRaised', data: alert }), metadata: { ...METADATA, actor } });

  it('is told by the API where the projector has not been there for a minute, also after a start', async () => {
    time.advance(59_999);
    expect(await tell()).toBe('nothing');
    time.advance(1);
    expect(await tell()).toBe('low');
    await report();
    expect(await tell()).toBe('nothing');
    time.advance(59_999);
    expect(await tell()).toBe('nothing');
    time.advance(1);
    expect(await tell()).toBe('low');
  });

  it('is not told again by the API where the projector has told it, however long that is away', async () => {
    await raisedBy('projector:web-1');
    time.advance(600_000);
    expect(await tell()).toBe('nothing');
    problem = null;
    expect(await tell()).toBe('over');
  });

  it('is told by the API where the projectors of its node write no files', async () => {
    time.advance(60_000);
    await report('cdn');
    expect(await tell()).toBe('low');
  });

  it('is kept by the API that told it', async () => {
    await raisedBy('api:web-1');
    time.advance(600_000);
    expect(await tell()).toBe('low');
  });
});
