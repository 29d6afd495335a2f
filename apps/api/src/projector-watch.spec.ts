import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Catalog, CatalogNode, DueReplication } from '@holdfast/catalog';
import { HoldfastError, initialMode, type Mode, type Position, toHoldfastError } from '@holdfast/domain';
import { AT, ManualClock, MemoryEventStore, published, record } from '@holdfast/domain/testing';
import { ProjectorWatch, type ProjectorWatchPorts } from './projector-watch.ts';
import { lookAtProjectors } from './watch-conditions.ts';

type Projector = CatalogNode['projectors'][number];

let clock: ManualClock;
let store: LeavingStore;
/** Of the catalog; undefined: it is at the log's head. */
let checkpoint: Position | undefined;
let nodes: CatalogNode[];
let counts: ReturnType<Catalog['replicationCounts']>;
/** Retries of the bucket that are due, beside what is queued. */
let overdue: number;
let mode: Mode;
let isDiskLow: boolean;
let watch: ProjectorWatch;
/** As after a start of the API. */
let restart: () => void;

class LeavingStore extends MemoryEventStore {
  isAway = false;

  override head(): Promise<Position> {
    if (this.isAway) return Promise.reject(new HoldfastError('EVENT_STORE_UNAVAILABLE', 'It is away.'));
    return super.head();
  }
}

beforeEach(() => {
  clock = new ManualClock();
  store = new LeavingStore();
  checkpoint = undefined;
  nodes = [];
  counts = { queued: 0, failed: 0, success: 0, superseded: 0, 'dead-letter': 0 };
  overdue = 0;
  mode = initialMode;
  isDiskLow = false;
  const ports: ProjectorWatchPorts = {
    store,
    clock,
    node: 'web-1',
    isDiskLow: () => isDiskLow,
    modeWatch: {
      get mode() {
        return mode;
      },
    },
    catalog: {
      get checkpoint() {
        return checkpoint ?? store.log.events.at(-1)!.position;
      },
      nodes: () => nodes,
      replicationCounts: () => counts,
      replicationsDue: () => Array.from({ length: counts.queued + overdue }, () => ({}) as DueReplication),
    },
  };
  restart = () => {
    watch = new ProjectorWatch(ports);
  };
  restart();
});

/** The node says so of itself, just now. */
function report(...projectors: readonly Partial<Projector>[]): void {
  const well = {
    state: 'running',
    reason: null,
    checkpoint: null,
    pending: 0,
    oldestPendingAt: null,
  } as const;
  nodes = [
    {
      node: 'web-1',
      version: '1',
      runtime: 'node',
      startedAt: AT,
      intervalSeconds: 5,
      projectors: projectors.map((each) => ({ name: 'local', ...well, ...each })),
      disks: [],
      memoryBytes: 1,
      reportedAt: clock.now().toISOString(),
      heardAt: clock.now().toISOString(),
    },
  ];
}

/** So long, with a report every five seconds. */
async function pass(ms: number, ...projectors: readonly Partial<Projector>[]): Promise<string[]> {
  for (let passed = 0; passed < ms; passed += 5_000) {
    report(...projectors);
    await watch.findTroubles();
    clock.advance(5_000);
  }
  report(...projectors);
  return codes();
}

/** So long, with a look every five seconds and no report. @returns what the last look tells people of */
async function stay(ms: number): Promise<string[]> {
  const lookout = lookAtProjectors('web-1', watch, clock);
  let told: string[] = [];
  for (let passed = 0; passed < ms; passed += 5_000) {
    clock.advance(5_000);
    told = await Promise.resolve(lookout.look()).then(
      (findings) => findings.map(({ subject, problem }) => `${subject} ${problem === null ? 'well' : 'not'}`),
      (error: unknown) => [toHoldfastError(error).code],
    );
  }
  return told;
}

const codes = async (): Promise<string[]> =>
  (await watch.findTroubles()).map(({ code, projector }) => `${code} ${projector ?? '-'}`);

describe('a projector', () => {
  it('is silent that has not reported, or no more', async () => {
    expect(await codes()).toEqual(['PROJECTOR_SILENT -']);
    report({}, { name: 'cdn' });
    await stay(15_000);
    expect(await codes()).toEqual([]);
    clock.advance(1);
    expect(await codes()).toEqual(['PROJECTOR_SILENT local', 'PROJECTOR_SILENT cdn']);
  });

  it('has stopped that says so', async () => {
    report({ state: 'stopped', reason: 'LOG_MISMATCH: another log' });
    expect(await watch.findTroubles()).toMatchObject([
      {
        code: 'PROJECTOR_STOPPED',
        detail: 'The local projector of web-1 has stopped: LOG_MISMATCH: another log',
      },
    ]);
  });
});

it('a projector that does not run here any more is missed by nobody', async () => {
  report({}, { name: 'cdn' });
  expect(await stay(120_000)).toContain('web-1/cdn not');
  report({});
  const others = ['web-1/cdn well', 'web-1/drift well', 'web-1/purge well', 'web-1 well'];
  expect(await stay(5_000)).toEqual(['web-1/local well', ...others]);
});

describe('after a start of the API', () => {
  /** Whom people are told to be well, or not, of those two. */
  const told = async (): Promise<string[]> => {
    const findings = await lookAtProjectors('web-1', watch, clock).look();
    const ofTwo = findings.filter(({ subject }) => /local|cdn/.test(subject));
    return ofTwo.map(({ subject, problem }) => `${subject} ${problem === null ? 'well' : 'not'}`);
  };
  const both = [{}, { name: 'cdn', pending: 1 }] as const;

  it('nobody says of projectors with work that they are well again, until they have had their time', async () => {
    await record(store, published('a.json'));
    counts.queued = 1;
    await pass(300_000, ...both);
    expect(await told()).toEqual(['web-1/local not', 'web-1/cdn not']);
    restart();
    await pass(55_000, ...both);
    expect(await told()).toEqual([]);
    await pass(5_000, ...both);
    expect(await told()).toEqual(['web-1/local not']);
    await pass(235_000, ...both);
    expect(await told()).toEqual(['web-1/local not']);
    await pass(5_000, ...both);
    expect(await told()).toEqual(['web-1/local not', 'web-1/cdn not']);
  });

  it('projectors are well at once that have no work, or get something done', async () => {
    const appended = await record(store, published('a.json'), published('b.json'));
    const [first, last] = appended.map(({ position }) => position);
    report({ checkpoint: last! }, { name: 'cdn' });
    expect(await told()).toEqual(['web-1/local well', 'web-1/cdn well']);
    restart();
    counts.queued = 2;
    await pass(10_000, ...both);
    expect(await told()).toEqual([]);
    counts = { ...counts, queued: 1, success: 1 };
    report({ checkpoint: first! }, both[1]);
    expect(await told()).toEqual(['web-1/local well', 'web-1/cdn well']);
  });

  it('nobody says anything before the catalog has read the log', async () => {
    await record(store, published('a.json'));
    checkpoint = '';
    report(...both);
    await expect(told()).rejects.toMatchObject({ code: 'CATALOG_LAGGING' });
  });
});

describe('while no report can be heard of', () => {
  it('nobody is said to be silent for want of the log, until a report has had the time to come', async () => {
    const others = ['web-1/drift well', 'web-1/purge well', 'web-1 well'];
    report({}, { name: 'cdn' });
    await stay(5_000);
    store.isAway = true;
    expect(await stay(120_000)).toEqual(['EVENT_STORE_UNAVAILABLE']);
    await expect(codes()).rejects.toMatchObject({ code: 'EVENT_STORE_UNAVAILABLE' });
    store.isAway = false;
    expect(await stay(15_000)).toEqual([]);
    expect(await codes()).toEqual([]);
    expect(await stay(45_000)).toEqual(others);
    expect(await codes()).toEqual(['PROJECTOR_SILENT local', 'PROJECTOR_SILENT cdn']);
    expect(await stay(5_000)).toEqual(['web-1/local not', 'web-1/cdn not', ...others]);
    report({}, { name: 'cdn' });
    expect(await stay(5_000)).toEqual(['web-1/local well', 'web-1/cdn well', ...others]);
  });

  it('nobody is said to be silent, or to stand still, by a catalog that is behind', async () => {
    await record(store, published('a.json'));
    report({});
    await stay(5_000);
    checkpoint = store.log.events.at(-1)!.position;
    await record(store, published('b.json'));
    expect(await stay(120_000)).toEqual(['CATALOG_LAGGING']);
    checkpoint = undefined;
    expect(await stay(5_000)).toEqual([]);
    expect(await pass(55_000, {})).toEqual([]);
  });

  it('nobody is said to be silent by a catalog that is some seconds behind, as while much is published', async () => {
    const behind: { nodes: CatalogNode[]; checkpoint: Position }[] = [];
    for (let looks = 0; looks < 60; looks += 1) {
      await record(store, published(`${looks}.json`));
      report({ checkpoint: store.log.events.at(-1)!.position });
      behind.push({ nodes, checkpoint: store.log.events.at(-1)!.position });
      // Twelve to fifteen seconds.
      ({ nodes, checkpoint } = behind.at(-4) ?? behind[0]!);
      expect(await codes()).toEqual([]);
      clock.advance(3_000);
      expect(await codes()).toEqual([]);
      clock.advance(2_000);
    }
  });

  it('a catalog that is always a moment behind hears of everybody all the same', async () => {
    report({});
    for (let looks = 0; looks < 15; looks += 1) {
      checkpoint = store.log.events.at(-1)!.position;
      await record(store, published(`${looks}.json`));
      await stay(5_000);
    }
    expect(await codes()).toEqual(['PROJECTOR_SILENT local']);
  });
});

describe('the local projector', () => {
  it('has stalled that reports to be running, but leaves content of a minute ago where it is', async () => {
    await record(store, published('a.json'));
    expect(await pass(55_000, {})).toEqual([]);
    expect(await pass(5_000, {})).toEqual(['PROJECTOR_STALLED local']);
  });

  it('has not while it gets something done, however far behind it is', async () => {
    const appended = await record(
      store,
      ...Array.from({ length: 40 }, (_, index) => published(`${index}.json`)),
    );
    for (const { position: checkpoint } of appended.slice(0, -1)) {
      expect(await pass(30_000, { checkpoint })).toEqual([]);
    }
  });

  it('has not where nothing is to be done', async () => {
    const [appended] = await record(store, published('a.json'));
    expect(await pass(600_000, { checkpoint: appended!.position })).toEqual([]);
  });

  it('has stalled that waits for a minute for what is no alert of its own, and says why', async () => {
    await record(store, published('a.json'));
    const waiting = (pending: number, path: string) => ({
      state: 'waiting' as const,
      reason: `${path} cannot be written: the file system is mounted read-only.`,
      pending,
    });
    expect(await pass(55_000, waiting(1, 'a.json'))).toEqual([]);
    expect(await pass(5_000, waiting(1, 'a.json'))).toEqual(['PROJECTOR_STALLED local']);
    // More is published, and another path is the one tried last.
    expect(await pass(5_000, waiting(2, 'b.json'))).toEqual(['PROJECTOR_STALLED local']);
    const [trouble] = await watch.findTroubles();
    expect(trouble?.waits).toBe(true);
    expect(trouble?.detail).toBe(
      `The local projector of web-1 waits, and its checkpoint has stood still since ${AT}: b.json cannot be written: the file system is mounted read-only.`,
    );
  });

  it('has not while it waits on a disk that is low, and has its time again afterwards', async () => {
    await record(store, published('a.json'));
    const waiting = { state: 'waiting', reason: 'DISK_FULL' } as const;
    isDiskLow = true;
    expect(await pass(600_000, waiting)).toEqual([]);
    isDiskLow = false;
    expect(await pass(55_000, waiting)).toEqual([]);
    expect(await pass(5_000, waiting)).toEqual(['PROJECTOR_STALLED local']);
  });

  it('has not that waits where nothing is beyond its checkpoint', async () => {
    const [appended] = await record(store, published('a.json'));
    const waiting = { state: 'waiting', reason: 'The log is away.', checkpoint: appended!.position } as const;
    expect(await pass(600_000, waiting)).toEqual([]);
  });
});

describe('the CDN projector', () => {
  const cdn = (pending: number) => ({ name: 'cdn', pending }) as const;

  it('has stalled when versions are queued and none gets anywhere for five minutes', async () => {
    counts.queued = 3;
    expect(await pass(295_000, cdn(3))).toEqual([]);
    expect(await pass(5_000, cdn(3))).toEqual(['PROJECTOR_STALLED cdn']);
    counts = { ...counts, queued: 2, success: 1 };
    expect(await pass(5_000, cdn(2))).toEqual([]);
  });

  it('has stalled too while somebody publishes, also the same document again and again', async () => {
    for (let minute = 0; minute < 5; minute += 1) {
      counts = { ...counts, queued: 1 + minute, superseded: minute };
      expect(await pass(60_000, cdn(1 + minute))).toEqual(minute < 4 ? [] : ['PROJECTOR_STALLED cdn']);
    }
  });

  it('has stalled when retries are due and none is made', async () => {
    counts.failed = 1;
    expect(await pass(900_000, cdn(1))).toEqual([]);
    overdue = 1;
    expect(await pass(295_000, cdn(1))).toEqual([]);
    expect(await pass(5_000, cdn(1))).toEqual(['PROJECTOR_STALLED cdn']);
  });

  it('has not that had nothing to do for long, and gets everything done a moment after it is published', async () => {
    expect(await pass(900_000, cdn(0))).toEqual([]);
    for (let success = 0; success < 100; success += 1) {
      counts = { ...counts, queued: 1, success };
      expect(await pass(10_000, cdn(1))).toEqual([]);
    }
  });

  it('has not while attempts fail, or are given up', async () => {
    counts = { ...counts, queued: 9 };
    for (let failures = 0; failures < 8; failures += 1) {
      counts = { ...counts, queued: counts.queued - 1, failed: counts.failed + 1 };
      expect(await pass(200_000, cdn(9))).toEqual([]);
      counts = { ...counts, failed: counts.failed - 1, 'dead-letter': counts['dead-letter'] + 1 };
      expect(await pass(200_000, cdn(9))).toEqual([]);
    }
  });

  it('has not while it says that it waits: what it waits for is an alert of its own', async () => {
    counts.queued = 3;
    expect(await pass(900_000, { ...cdn(3), state: 'waiting', reason: 'The bucket is away.' })).toEqual([]);
  });

  it('has not while it waits for retries, or is paused', async () => {
    counts.failed = 3;
    expect(await pass(900_000, cdn(3))).toEqual([]);
    counts.queued = 3;
    mode = { ...initialMode, cdnEnabled: false };
    expect(await pass(900_000, { ...cdn(6), state: 'paused' })).toEqual([]);
    mode = initialMode;
    expect(await pass(5_000, cdn(6))).toEqual([]);
  });
});
