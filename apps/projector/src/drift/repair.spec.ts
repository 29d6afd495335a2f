import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { replicationStream, systemClock } from '@holdfast/domain';
import { deleted, FaultyObjectStore, newEvent, path, published, record } from '@holdfast/domain/testing';
import { Quarantine, WalkThread } from '@holdfast/storage';
import { readTree, unreadableEvent } from '@holdfast/storage/testing';
import { restoreLocally } from './repair-local.ts';
import type { ScanJobPorts } from './scan-job.ts';
import { until } from '../local/testing/local-node.ts';
import { DriftWorld } from './testing/drift-world.ts';

jest.setTimeout(120_000);

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

let world: DriftWorld;
beforeEach(() => {
  world = new DriftWorld();
});
afterEach(() => world.dispose());

/** The local projector, where something happens before a call of a repair to it: by default before the first. */
function localAfter(happens: () => Promise<void> | void, call = 1): ScanJobPorts['local'] {
  let calls = 0;
  const projector = async () => {
    calls += 1;
    if (calls === call) await happens();
    return world.node.projector;
  };
  return {
    status: () => world.node.projector.status(),
    exclusively: async (work) => (await projector()).exclusively(work),
    materialiseAgain: async (paths) => (await projector()).materialiseAgain(paths),
  };
}

async function runWith(
  paths: readonly string[],
  beforeRepair: () => Promise<void> | void = () => undefined,
  call?: number,
): Promise<void> {
  await world.given(...paths.map((each) => published(each)));
  await world.run({ local: localAfter(beforeRepair, call) });
  await world.settled();
}

describe('an orphan that is none any more when the repair comes to it stays', () => {
  const publish = async (...events: Parameters<typeof published>): Promise<void> => {
    await world.given(published(...events));
    await world.node.projector.caughtUp();
  };

  it('an empty directory that something was published into', async () => {
    await runWith(['a.json'], () => publish('plans/p9/manifest.json'));
    mkdirSync(world.live('plans/p9'), { recursive: true });
    const { job, findings } = await world.scan('full', { repair: 'all' });
    expect(findings).toMatchObject([{ outcome: 'orphan', path: 'plans/p9/' }]);
    expect(Object.keys(readTree(world.live())).sort()).toEqual(['a.json', 'plans/p9/manifest.json']);
    expect(job.counts).toMatchObject({ drift: 1, notRepaired: 0 });
    expect(existsSync(world.at('quarantine'))).toBe(false);
    expect(world.node.catalog.openDriftCount()).toBe(0);
  });

  it('a stray .prev that the rightful one has replaced', async () => {
    await runWith(['a.json'], () => publish('a.json', { second: true }));
    world.plant(world.live('a.json.prev'), '{"stray":1}');
    const { findings } = await world.scan('full', { repair: 'all' });
    expect(findings).toMatchObject([{ outcome: 'orphan', path: 'a.json.prev' }]);
    expect(Object.keys(readTree(world.live())).sort()).toEqual(['a.json', 'a.json.prev']);
    expect(existsSync(world.at('quarantine'))).toBe(false);
  });

  it('a link where the directory of documents is again', async () => {
    await runWith(['plans/p1/manifest.json'], async () => {
      unlinkSync(world.live('plans'));
      await publish('plans/p1/manifest.json', { second: true });
    });
    rmSync(world.live('plans'), { recursive: true });
    symlinkSync('/etc', world.live('plans'));
    const { findings } = await world.scan('full', { repair: 'all' });
    expect(findings).toMatchObject([
      { outcome: 'orphan', subject: 'link', path: 'plans' },
      { outcome: 'missing', path: 'plans/p1/manifest.json' },
    ]);
    expect(Object.keys(readTree(world.live())).sort()).toEqual([
      'plans/p1/manifest.json',
      'plans/p1/manifest.json.prev',
    ]);
    expect(existsSync(world.at('quarantine'))).toBe(false);
  });

  it('a directory that somebody keeps files in by now', async () => {
    await runWith(['a.json'], () => world.plant(world.live('kept/by-hand.json'), '{}'));
    mkdirSync(world.live('kept'));
    await world.scan('full', { repair: 'all' });
    expect(Object.keys(readTree(world.live())).sort()).toEqual(['a.json', 'kept/by-hand.json']);
    const { findings } = await world.scan();
    expect(findings).toMatchObject([{ outcome: 'orphan', path: 'kept/by-hand.json' }]);
  });
});

it('a repair that fails tells what it found and left', async () => {
  await runWith(['a.json', 'b.json'], () => rmSync(world.at('content')), 2);
  rmSync(world.live('a.json'));
  rmSync(world.object('b.json'));
  world.plant(world.live('stray.json'), '{}');
  const { job, scan } = await world.scan('full', { repair: 'all' });
  expect(job).toMatchObject({ state: 'failed', error: { code: 'LOCAL_FILE_NOT_READY' } });
  expect(scan).toMatchObject({ state: 'completed' });
  // The bucket has its turn all the same.
  expect(existsSync(world.object('b.json'))).toBe(true);
  expect(world.alerts.raised.get('DRIFT_FOUND')?.details).toMatchObject({ found: 3, left: 1 });
});

it('what is deleted before the repair comes to it is mended: it is as the log wants it', async () => {
  await runWith(['a.json', 'b.json', 'c.json'], async () => {
    await world.given(deleted('a.json'), deleted('b.json'));
    await world.settled();
  });
  rmSync(world.live('a.json'));
  rmSync(world.object('b.json'));
  const { job } = await world.scan('full', { repair: 'restore' });
  expect(job.counts).toMatchObject({ drift: 2, restored: 1, replicated: 1, notRepaired: 0 });
  expect(Object.keys(readTree(world.live()))).toEqual(['c.json']);
  expect(world.alerts.raised.size).toBe(0);
  expect(world.node.catalog.openDriftCount()).toBe(0);
});

it('an orphan in the bucket that somebody deletes meanwhile is gone', async () => {
  const faulty = new FaultyObjectStore(world.bucket);
  world.bucket = faulty;
  await runWith(['a.json'], () => rmSync(world.object('x.json')));
  await world.putObject('x.json', '{}');
  world.plant(world.live('stray.json'), '{}');
  const { job } = await world.scan('full', { repair: 'all' });
  expect(job.counts).toMatchObject({ drift: 2, quarantined: 1, deleted: 1, notRepaired: 0 });
});

it('a directory counts for as much as is in it', async () => {
  await world.given(published('a.json'));
  await world.run({ maxRepairs: { count: 20, percent: null } });
  await world.settled();
  for (let nth = 0; nth < 20; nth += 1) world.plant(world.live(`.git/objects/${nth}`), 'x');
  const { job, findings } = await world.scan('full', { repair: 'all' });
  expect(findings).toMatchObject([{ outcome: 'orphan', subject: 'directory', path: '.git/' }]);
  expect(job.counts).toMatchObject({ orphansLeft: 22, quarantined: 0 });
  const confirmed = await world.scan('full', { repair: 'all', confirmedOrphans: 22 });
  expect(confirmed.job.counts).toMatchObject({ orphansLeft: 0, quarantined: 1 });
  expect(Object.keys(readTree(world.live()))).toEqual(['a.json']);
});

it('the bucket has its turn where a directory is to go that cannot be moved', async () => {
  await runWith(['a.json', 'b.json'], () => rmSync(world.at('content')));
  rmSync(world.object('b.json'));
  world.plant(world.live('.git/x'), 'x');
  const { job } = await world.scan('full', { repair: 'all' });
  expect(job).toMatchObject({ state: 'failed', error: { code: 'LOCAL_FILE_NOT_READY' } });
  expect(existsSync(world.object('b.json'))).toBe(true);
});

it('an orphan in the bucket that is published while others are waited for stays', async () => {
  let isScanned = false;
  const asked: string[] = [];
  class Publishing extends FaultyObjectStore {
    override async deleteMany(...args: Parameters<FaultyObjectStore['deleteMany']>) {
      const [keys] = args;
      if (isScanned) asked.push(...keys);
      if (isScanned && keys.includes('d.json')) {
        await world.given(published('x.json', { now: true }));
        const { catalog } = world.node;
        await until('x.json to be replicated', () => catalog.replication('x.json', 0)?.status === 'success');
      }
      return super.deleteMany(...args);
    }
  }
  world.bucket = new Publishing(world.bucket);
  await world.given(published('a.json'), published('d.json'));
  await world.run();
  await world.settled();
  await world.given(deleted('d.json'));
  await world.settled();
  await world.putObject('d.json', '{}');
  await world.putObject('x.json', '{}');
  isScanned = true;
  await world.scan('full', { repair: 'all' });
  await world.settled();
  expect(asked).toContain('d.json');
  expect(asked).not.toContain('x.json');
  expect(readTree(world.bucketFolder)).toMatchObject({ 'x.json': '{"now":true}' });
});

it('what nobody replicates is waited for once, and all of it is asked for', async () => {
  const patienceMs = 5_000;
  const paths = Array.from({ length: 3 * 64 }, (_, nth) => `u/${nth}.json`);
  await world.given(...paths.map((each) => published(each)));
  await world.run({ patienceMs });
  await world.settled();
  const off = { cdnEnabled: false, localFallback: false, pinned: false } as const;
  const data = { ...off, cdnBaseUrl: null, localBaseUrl: null, cause: 'operator', reason: 'off' } as const;
  await record(world.store, newEvent({ type: 'ModeChanged', data }));
  for (const each of paths) rmSync(world.object(each));
  const { job } = await world.scan('full', { repair: 'restore' });
  expect(job.counts).toMatchObject({ drift: paths.length, replicated: 0, notRepaired: paths.length });
  const asked: number[] = [];
  for (const each of paths) {
    const events = await world.store.readStream(replicationStream(path(each)), { maxCount: 10 });
    for (const event of events) {
      if (event.type === 'ReplicationRetryRequested') asked.push(Date.parse(event.metadata.at));
    }
  }
  expect(asked).toHaveLength(paths.length);
  const from = Math.min(...asked);
  const waits = Math.floor((Math.max(...asked) - from) / patienceMs);
  expect(waits).toBe(1);
});

describe('while the bucket fails', () => {
  const strays = Array.from({ length: 70 }, (_, number) => `s/${number}.json`);
  const runWithStrays = async (faulty: FaultyObjectStore): Promise<void> => {
    world.bucket = faulty;
    await runWith(['a.json']);
    for (const stray of strays) await world.putObject(stray, '{}');
  };

  it('an orphan that it says nothing of is left, and the others go', async () => {
    const faulty = new FaultyObjectStore(world.bucket);
    await runWithStrays(faulty);
    // The first is the scan's.
    faulty.fail('head', { key: 's/3.json', after: 1 });
    const { job } = await world.scan('full', { repair: 'all' });
    expect(job).toMatchObject({ state: 'succeeded', counts: { deleted: 69, notRepaired: 1 } });
    expect(readTree(world.bucketFolder)).toMatchObject({ 's/3.json': '{}' });
    expect(world.alerts.raised.get('DRIFT_FOUND')?.details).toMatchObject({ found: 70, left: 1 });
  });

  it('the rest goes on, and what was published meanwhile is put back', async () => {
    class Overtaken extends FaultyObjectStore {
      override async deleteMany(...args: Parameters<FaultyObjectStore['deleteMany']>) {
        await world.given(published('s/0.json', { now: true }));
        await world.settled();
        return super.deleteMany(...args);
      }
    }
    const faulty = new Overtaken(world.bucket);
    await runWithStrays(faulty);
    faulty.fail('deleteMany', { lose: 'answer' });
    const { job } = await world.scan('full', { repair: 'all' });
    expect(job).toMatchObject({ state: 'succeeded', counts: { deleted: 6, notRepaired: 64 } });
    await world.settled();
    expect(readTree(world.bucketFolder)).toMatchObject({ 's/0.json': '{"now":true}' });
  });
});

describe('a version that the log does not have, as it was put back from an older backup,', () => {
  it('is told, and left alone in the bucket', async () => {
    await runWith(['a.json', 'b.json', 'gone.json']);
    await world.given(deleted('gone.json'));
    await world.settled();
    const newer = '{"published":"after the backup"}';
    await world.putObject('a.json', newer, { version: 1 });
    await world.putObject('gone.json', newer, { version: 2 });
    await world.putObject('b.json', '{"changed":"by hand"}');
    for (const kind of ['full', 'quick'] as const) {
      const { job, findings } = await world.scan(kind, { repair: 'all' });
      expect(findings[0]).toMatchObject({
        path: 'a.json',
        outcome: 'different',
        found: expect.stringMatching(/^version 1, which the log does not have: /) as unknown,
      });
      expect(job.state).toBe('succeeded');
    }
    expect(readFileSync(world.object('a.json'), 'utf8')).toBe(newer);
    expect(readFileSync(world.object('gone.json'), 'utf8')).toBe(newer);
    expect(readFileSync(world.object('b.json'))).toEqual(readFileSync(world.live('b.json')));
    expect(world.alerts.raised.get('DRIFT_FOUND')).toBeDefined();
  });

  it('is replaced as soon as its path is published again', async () => {
    await runWith(['a.json']);
    await world.putObject('a.json', '{"published":"after the backup"}', { version: 7 });
    await world.given(published('a.json', { again: true }));
    await world.settled();
    expect(readFileSync(world.object('a.json'))).toEqual(readFileSync(world.live('a.json')));
  });
});

it('what cannot be asked for is left alone in the bucket', async () => {
  const faulty = new FaultyObjectStore(world.bucket);
  world.bucket = faulty;
  await runWith(['a.json', 'b.json', 'c.json'], () => {
    // Once: whoever asked all the same would have it replaced.
    faulty.fail('head', { key: 'a.json', times: 1 });
  });
  for (const path of ['a.json', 'b.json']) await world.putObject(path, '{"changed":"by hand"}');
  // What is mended first.
  rmSync(world.live('c.json'));
  const { job } = await world.scan('full', { repair: 'restore' });
  expect(job.counts).toMatchObject({ drift: 3, replicated: 1, notRepaired: 1 });
});

it('an event that this program cannot read, and that came after the scan began, keeps its object', async () => {
  await runWith(['a.json'], async () => {
    world.store.log.write(unreadableEvent('content-b.json', 0));
    await world.node.catalog.caughtUp();
  });
  await world.putObject('b.json', '{}');
  world.plant(world.live('stray.json'), '{}');
  const { job } = await world.scan('full', { repair: 'all' });
  expect(job.counts).toMatchObject({ quarantined: 1, deleted: 0, notRepaired: 1 });
  expect(existsSync(world.object('b.json'))).toBe(true);
});

it('a directory that cannot be read for its mode is given the right one', async () => {
  await runWith(['plans/a.json']);
  chmodSync(world.live('plans'), 0o000);
  const about = { side: 'local', outcome: 'unreadable', subject: 'directory', expected: null } as const;
  const finding = { ...about, path: 'plans/', found: 'EACCES: permission denied' };
  const thread = new WalkThread();
  const { catalog, projector } = world.node;
  try {
    const mended = await restoreLocally([finding], {
      ...{ store: world.store, catalog, local: projector, thread, clock: systemClock, log: silent },
      quarantine: new Quarantine(world.dataDir),
      driftLog: { repaired: () => Promise.resolve() },
      scanId: 'scan-1',
      signal: new AbortController().signal,
    });
    expect(mended).toEqual([finding]);
    expect(statSync(world.live('plans')).mode & 0o777).toBe(0o755);
  } finally {
    await thread.close();
  }
});

it('what is in quarantine does not go back to where something was published since', async () => {
  await runWith(['other.json']);
  world.plant(world.live('x.json'), '{"only":"copy"}');
  world.plant(world.live('plans'), 'no directory');
  await world.scan('full', { repair: 'all' });
  const quarantine = new Quarantine(world.dataDir);
  const entries = quarantine.entries();
  expect(entries.map(({ path: at }) => at).sort()).toEqual(['plans', 'x.json']);
  await world.given(published('x.json'), published('plans/p1/manifest.json'));
  await world.settled();
  // Its file is missing, as after somebody's mistake.
  rmSync(world.live('x.json'));
  rmSync(world.live('plans'), { recursive: true });
  for (const { id } of entries) {
    const job = await world.job('quarantine-restore', { id });
    expect(job).toMatchObject({ state: 'failed', error: { code: 'QUARANTINE_PLACE_TAKEN' } });
  }
  expect(quarantine.entries()).toEqual(entries);
  expect(existsSync(world.live('x.json'))).toBe(false);
});
