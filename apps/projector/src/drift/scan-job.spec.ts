import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Catalog } from '@holdfast/catalog';
import { driftStream, type Finding, HoldfastError, noCdnCounts } from '@holdfast/domain';
import {
  deleted,
  FaultyObjectStore,
  MemoryEventStore,
  MemoryObjectStore,
  newEvent,
  OTHER_LOG_ID,
  path,
  published,
  record,
} from '@holdfast/domain/testing';
import { readTree } from '@holdfast/storage/testing';
import { DriftWorld, NODE } from './testing/drift-world.ts';

jest.setTimeout(120_000);

let world: DriftWorld;
beforeEach(() => {
  world = new DriftWorld();
});
afterEach(() => world.dispose());

const shown = ({ side, outcome, path: at }: Finding): string => `${side} ${outcome} ${at}`;
const typesOf = async (): Promise<string[]> =>
  (await world.store.readStream(driftStream(NODE), { maxCount: 1_000 })).map(({ type }) => type);

async function runWith(paths: readonly string[], options: Parameters<DriftWorld['run']>[0] = {}) {
  await world.given(...paths.map((each) => published(each)));
  await world.run(options);
  if (options.withoutCdn !== true) await world.settled();
}

describe('a log that is not the right one repairs nothing', () => {
  it('an empty log: what is there may be all there is', async () => {
    await runWith([]);
    world.plant(world.live('units/a.json'), '{}');
    await world.putObject('units/b.json', '{}');
    const { job, scan } = await world.scan('full', { repair: 'all', confirmedOrphans: 1_000 });
    expect(job).toMatchObject({ state: 'failed', error: { code: 'LOG_MISMATCH' } });
    expect(scan?.report?.counts).toMatchObject({ local: { orphan: 1 }, cdn: { orphan: 1 } });
    expect(readTree(world.live())).toEqual({ 'units/a.json': '{}' });
    expect(existsSync(world.object('units/b.json'))).toBe(true);
    expect(existsSync(world.at('quarantine'))).toBe(false);
  });

  it('another log’s bucket', async () => {
    const probe = `${JSON.stringify({ holdfast: 'probe', logId: OTHER_LOG_ID })}\n`;
    world.plant(world.object('.holdfast/probe.json'), probe);
    await world.putObject('units/theirs.json', '{}');
    await runWith(['units/a.json'], { withoutCdn: true });
    rmSync(world.live('units/a.json'));
    const { job, scan } = await world.scan('full', { repair: 'all' });
    expect(job).toMatchObject({ state: 'failed', error: { code: 'LOG_MISMATCH' } });
    expect(scan).toMatchObject({ state: 'aborted', error: { code: 'LOG_MISMATCH' } });
    expect(readTree(world.live('units'))).toEqual({});
    expect(existsSync(world.object('units/theirs.json'))).toBe(true);
  });

  it('an older log, or an empty one with the same name', async () => {
    await world.given(published('units/a.json'), published('units/b.json'));
    await world.ran();
    rmSync(world.live('units/a.json'));
    const before = readTree(world.live());
    world.store = new MemoryEventStore();
    await world.run({ withoutCdn: true });
    const { job, scan } = await world.scan('full', { repair: 'all', confirmedOrphans: 1_000 });
    expect(job).toMatchObject({ state: 'failed', error: { code: 'LOG_MISMATCH' } });
    expect(scan).toMatchObject({ state: 'aborted' });
    expect(readTree(world.live())).toEqual(before);
  });
});

describe('orphans', () => {
  const plantMany = (): void => {
    for (const name of ['x', 'y', 'z']) world.plant(world.live(`${name}.json`), '{}');
  };

  it('stay where they are unless they are asked for', async () => {
    await runWith(['a.json']);
    plantMany();
    rmSync(world.live('a.json'));
    const { job } = await world.scan('full', { repair: 'restore' });
    expect(job.counts).toMatchObject({ drift: 4, restored: 1, quarantined: 0 });
    expect(Object.keys(readTree(world.live()))).toHaveLength(4);
    expect(world.alerts.raised.get('DRIFT_FOUND')?.details).toMatchObject({ found: 4, left: 3 });
  });

  it('stay, on both sides, where they are too many on one, until an operator confirms', async () => {
    await runWith(['a.json'], { maxRepairs: { count: 2, percent: 1 } });
    plantMany();
    await world.putObject('strange.json', '{}');
    const { job } = await world.scan('full', { repair: 'all' });
    expect(job.counts).toMatchObject({ orphansLeft: 4, quarantined: 0, deleted: 0 });
    expect(existsSync(world.object('strange.json'))).toBe(true);
    const confirmed = await world.scan('full', { repair: 'all', confirmedOrphans: 3 });
    expect(confirmed.job.counts).toMatchObject({ orphansLeft: 0, quarantined: 3, deleted: 1 });
    expect(readTree(world.live())).toEqual({ 'a.json': readFileSync(world.live('a.json'), 'utf8') });
  });
});

/** The catalog, which is waited for when the job begins, when the scan does, and each time it has looked again: something happens in between. */
function catalogAfterLook(happens: () => Promise<void>): Catalog {
  let calls = 0;
  const reached: Catalog['reached'] = async (...args) => {
    calls += 1;
    if (calls === 3) await happens();
    // What has happened by now is in the log too.
    await world.node.catalog.caughtUp();
    return world.node.catalog.reached(...args);
  };
  return new Proxy({} as Catalog, {
    get: (_, name) => {
      const { catalog } = world.node;
      const value: unknown = name === 'reached' ? reached : Reflect.get(catalog, name);
      return typeof value === 'function' ? (value.bind(catalog) as unknown) : value;
    },
  });
}

describe('what is no drift', () => {
  it('a replica that waits, and one that was given up', async () => {
    await runWith(['a.json', 'b.json', 'c.json'], { withoutCdn: true });
    const error = { code: 'OBJECT_REJECTED', message: 'no' };
    const gaveUp = { path: path('b.json'), version: 0, action: 'put', attempts: 8, error } as const;
    await record(world.store, newEvent({ type: 'ReplicationDeadLettered', data: gaveUp }));
    const { report, findings } = await world.scan();
    expect(findings).toEqual([]);
    expect(report).toMatchObject({ unsettled: 3, counts: { cdn: { lagging: 2, givenUp: 1, missing: 0 } } });
  });

  it('a deletion whose object still waits to go', async () => {
    await world.given(published('a.json'), deleted('a.json'));
    await world.putObject('a.json', '{}');
    await world.run({ withoutCdn: true });
    const { report, findings } = await world.scan();
    expect(findings).toEqual([]);
    expect(report?.counts.cdn).toMatchObject({ lagging: 1, orphan: 0 });
  });

  it('a file that the local projector wrote after it was looked at, and before it was judged', async () => {
    let write = (): void => undefined;
    const written = new Promise<void>((resolve) => (write = resolve));
    const catalog = catalogAfterLook(async () => {
      write();
      await world.node.projector.caughtUp();
    });
    await runWith(['a.json', 'c.json'], { withoutCdn: true, catalog });
    const holding = world.node.projector.exclusively(() => written);
    await world.given(published('a.json', { n: 2 }), published('b.json'), deleted('c.json'));
    await world.node.catalog.caughtUp();
    const { report, findings } = await world.scan('full', { sides: 'local' });
    await holding;
    expect(findings).toEqual([]);
    expect(report?.counts.local).toMatchObject({ same: 0, lagging: 3 });
  });

  it('an object that was deleted, and reported so, after the bucket had answered', async () => {
    await world.given(published('a.json'), deleted('a.json'));
    await world.putObject('a.json', '{}');
    const gone = { path: path('a.json'), version: 1, action: 'delete', sha256: null, etag: null } as const;
    const catalog = catalogAfterLook(async () => {
      await world.bucket.deleteMany(['a.json']);
      const data = { ...gone, attempt: 1, durationMs: 1 };
      await record(world.store, newEvent({ type: 'ContentReplicated', data }));
    });
    await world.run({ withoutCdn: true, catalog });
    const { report, findings } = await world.scan();
    expect(findings).toEqual([]);
    expect(report?.counts.cdn).toMatchObject({ lagging: 1, orphan: 0 });
  });

  it('a stray that was published over, and deleted on both sides, while it was looked at', async () => {
    const catalog = catalogAfterLook(async () => {
      await world.given(published('stray.json'), deleted('stray.json'));
      await world.settled();
    });
    await runWith(['a.json'], { catalog });
    world.plant(world.live('stray.json'), '{}');
    await world.putObject('stray.json', '{}');
    const { findings } = await world.scan();
    expect(findings).toEqual([]);
  });
});

it('drift of a document that is on its way again when the scan comes by stays open', async () => {
  const catalog = catalogAfterLook(() => world.given(published('a.json', { n: 2 })).then(() => undefined));
  await runWith(['a.json', 'b.json'], { catalog });
  const about = { scanId: 'earlier', node: NODE, kind: 'full', expected: null, found: null } as const;
  const differs = { side: 'local', outcome: 'different', subject: 'document' } as const;
  const known = ['a.json', 'a.json.prev', 'b.json', 'b.json.prev'];
  for (const at of known) {
    await record(world.store, newEvent({ type: 'DriftDetected', data: { ...about, ...differs, path: at } }));
  }
  await world.node.catalog.caughtUp();
  world.plant(world.live('a.json'), '{"planted":1}');
  const { report } = await world.scan('full', { sides: 'local' });
  expect(report?.counts.local).toMatchObject({ moving: 1, same: 1 });
  const open = world.node.catalog.openDrift({ node: NODE, side: 'local', after: null, limit: 9 });
  expect(open.map(({ path: at }) => at)).toEqual(['a.json', 'a.json.prev']);
});

it('a bucket that does not answer is never fine, and the disk is checked all the same', async () => {
  const faulty = new FaultyObjectStore(world.bucket);
  world.bucket = faulty;
  await runWith(['a.json', 'b.json']);
  rmSync(world.live('a.json'));
  faulty.fail('list', { times: 100 });
  const { report, findings, job } = await world.scan();
  expect(findings.map(shown).sort()).toEqual(['cdn unreadable ', 'local missing a.json']);
  expect(report).toMatchObject({ counts: { cdn: { same: 0, unreadable: 3 } }, roots: { cdn: null } });
  expect(job.counts['drift']).toBe(4);
});

describe('what could not be looked at stays open', () => {
  const open = (): string[] =>
    world.node.catalog
      .openDrift({ after: null, limit: 99 })
      .map(({ side, outcome, path: at }) => `${side} ${outcome} ${at}`);

  it('on the bucket’s side while it does not answer', async () => {
    const faulty = new FaultyObjectStore(world.bucket);
    world.bucket = faulty;
    await runWith(['a.json', 'b.json']);
    const bytes = readFileSync(world.live('a.json'), 'utf8');
    rmSync(world.object('a.json'));
    rmSync(world.live('a.json'));
    await world.scan();
    expect(open()).toEqual(['cdn missing a.json', 'local missing a.json']);
    world.plant(world.live('a.json'), bytes);
    faulty.fail('list', { times: 1 });
    await world.scan();
    expect(open()).toEqual(['cdn missing a.json']);
    world.plant(world.object('a.json'), bytes);
    await world.scan();
    expect(open()).toEqual([]);
  });

  it('below a directory of the bucket that cannot be read', async () => {
    let isShut = false;
    class Shut extends FaultyObjectStore {
      override async list(...args: Parameters<FaultyObjectStore['list']>) {
        const page = await super.list(...args);
        if (!isShut) return page;
        const objects = page.objects.map((object) => ({ ...object, key: object.key.replace(/\/.*/, '/') }));
        return { ...page, objects };
      }
    }
    const faulty = new Shut(world.bucket);
    world.bucket = faulty;
    await runWith(['a.json']);
    await world.putObject('shut/x.json', '{}');
    await world.scan();
    isShut = true;
    faulty.fail('head', { key: 'shut/', times: 9 });
    await world.scan();
    const both = ['cdn orphan shut/x.json', 'cdn unreadable shut/'];
    expect(open().toSorted()).toEqual(both);
    // By the time it is looked at again it can be read.
    faulty.heal();
    const { report } = await world.scan();
    expect(open().toSorted()).toEqual(both);
    expect(report).toMatchObject({ counts: { cdn: { unreadable: 1 } }, roots: { cdn: null } });
    expect(world.alerts.raised.has('DRIFT_FOUND')).toBe(true);
    isShut = false;
    await world.scan();
    expect(open()).toEqual(['cdn orphan shut/x.json']);
  });

  const isRoot = process.getuid?.() === 0;
  (isRoot ? it.skip : it)(
    'below a directory that cannot be read (not as root, who reads everything)',
    async () => {
      await runWith(['shut/a.json', 'shut/b.json']);
      rmSync(world.live('shut/a.json'));
      await world.scan();
      chmodSync(world.live('shut'), 0o000);
      const { report } = await world.scan();
      expect(report?.counts.local).toMatchObject({ same: 0, unreadable: 3 });
      chmodSync(world.live('shut'), 0o755);
      expect(open()).toEqual(['local unreadable shut/', 'local missing shut/a.json']);
      await world.scan();
      expect(open()).toEqual(['local missing shut/a.json']);
    },
  );
});

it('a scan whose findings cannot be read again says so, and is not left running', async () => {
  let isScanning = false;
  const catalog = new Proxy({} as Catalog, {
    get: (_, name) => {
      // Asked once all is compared.
      if (name === 'openDrift' && isScanning) rmSync(world.at('scans'), { recursive: true, force: true });
      const value: unknown = Reflect.get(world.node.catalog, name);
      return typeof value === 'function' ? (value.bind(world.node.catalog) as unknown) : value;
    },
  });
  await world.given(published('a.json'));
  await world.run({ catalog });
  await world.settled();
  for (let number = 0; number <= 100; number += 1) world.plant(world.live(`stray/${number}.json`), '{}');
  isScanning = true;
  const { job, scan } = await world.scan('full', { sides: 'local' });
  expect(job).toMatchObject({ state: 'failed', error: { code: 'STORAGE_UNAVAILABLE' } });
  expect(scan).toMatchObject({ state: 'aborted' });
});

/** Keeps what is asked of it while somebody looks. */
class AskedObjectStore extends MemoryObjectStore {
  readonly asked: string[] = [];
  override list(...args: Parameters<MemoryObjectStore['list']>): ReturnType<MemoryObjectStore['list']> {
    this.asked.push(`list ${args[0].maxCount}`);
    return super.list(...args);
  }
  override head(...args: Parameters<MemoryObjectStore['head']>): ReturnType<MemoryObjectStore['head']> {
    this.asked.push(`head ${args[0]}`);
    return super.head(...args);
  }
}

it('a full scan lists the bucket once for each page of it, and asks for no object that is as it was put', async () => {
  const bucket = new AskedObjectStore();
  world.bucket = bucket;
  await runWith(Array.from({ length: 1_050 }, (_, number) => `u/${number}.json`));
  await bucket.deleteMany(['u/7.json']);
  bucket.asked.length = 0;
  const { report } = await world.scan();
  expect(report?.counts.cdn).toMatchObject({ same: 1_049, missing: 1 });
  expect(bucket.asked.sort()).toEqual(['head u/7.json', 'list 1000', 'list 1000']);
});

it('FR-015 a quick scan hashes a sample of what should exist on both sides', async () => {
  await runWith(Array.from({ length: 130 }, (_, number) => `u/${number}.json`));
  const sampled = await world.scan('quick');
  expect(sampled.report).toMatchObject({
    counts: { local: { same: 100 }, cdn: { same: 100 } },
    roots: { expected: null, local: null, cdn: null },
  });
  expect(sampled.report?.disk?.totalBytes).toBeGreaterThan(0);
  rmSync(world.live('u'), { recursive: true });
  const { report } = await world.scan('quick');
  expect(report?.counts.local).toMatchObject({ same: 0, missing: 100 });
});

describe('a scan that leaves out the bucket', () => {
  it('lists nothing, and neither finds nor ends what differs there', async () => {
    const faulty = new FaultyObjectStore(world.bucket);
    world.bucket = faulty;
    await runWith(['a.json', 'b.json', 'c.json']);
    rmSync(world.object('a.json'));
    await world.scan();
    world.plant(world.object('a.json'), readFileSync(world.live('a.json'), 'utf8'));
    rmSync(world.object('b.json'));
    faulty.fail('list', { times: 100 });
    const { report, findings } = await world.scan('full', { sides: 'local', repair: 'restore' });
    expect(findings).toEqual([]);
    expect(report).toMatchObject({ sides: 'local', roots: { cdn: null }, counts: { cdn: noCdnCounts() } });
    expect(report?.roots.local).toBe(report?.roots.expected);
    expect(report?.counts.local).toMatchObject({ same: 3 });
    expect(world.node.catalog.openDrift({ after: null, limit: 9 })).toMatchObject([{ path: 'a.json' }]);
    expect([...world.alerts.raised.keys()]).toEqual(['DRIFT_FOUND']);
    const sampled = await world.scan('quick', { sides: 'local' });
    expect(sampled.report?.counts).toMatchObject({ local: { same: 3 }, cdn: noCdnCounts() });
  });

  it('is clean once another node’s scan ended what this one had found in the bucket', async () => {
    await runWith(['a.json', 'b.json']);
    const about = { scanId: 's-1', node: 'web-2', kind: 'full', subject: 'document' } as const;
    const missing = { ...about, outcome: 'missing', expected: 'a'.repeat(64), found: null } as const;
    const detected = (side: 'local' | 'cdn') =>
      newEvent({ type: 'DriftDetected', data: { ...missing, side, path: 'a.json' } });
    await record(world.store, detected('local'), detected('cdn'));
    await world.node.catalog.caughtUp();
    const open = () =>
      world.node.catalog
        .openDrift({ after: null, limit: 9 })
        .map(({ node, side, path: at }) => [node, side, at]);
    rmSync(world.object('a.json'));
    await world.scan();
    expect(open()).toEqual([
      ['web-2', 'cdn', 'a.json'],
      ['web-2', 'local', 'a.json'],
    ]);
    await world.scan('full', { repair: 'restore' });
    expect(open()).toEqual([['web-2', 'local', 'a.json']]);
  });
});

it('the log has what is too much for a list in the body of the report, for the nodes that do not see the file', async () => {
  await runWith(['units/a.json'], { withoutCdn: true });
  const completed = async () => {
    const options = { direction: 'backwards', maxCount: 1, withBodies: true } as const;
    const [event] = await world.store.readStream(driftStream(NODE), options);
    return event?.type === 'ScanCompleted' ? event : null;
  };
  for (let index = 0; index < 100; index += 1) world.plant(world.live(`stray/${index}.json`), '{}');
  await world.scan('full', { sides: 'local' });
  expect((await completed())?.body).toBeUndefined();
  world.plant(world.live('stray/more.json'), '{}');
  const { scan, findings } = await world.scan('full', { sides: 'local' });
  expect(findings).toHaveLength(101);
  const event = await completed();
  expect(Buffer.from(event?.body ?? [])).toEqual(readFileSync(world.at('scans', `${scan!.id}.ndjson`)));
  expect(scan?.endedPosition).toBe(event?.position);
});

it('an interrupted scan says so, however much it had found, and begins again', async () => {
  await runWith(['a.json'], { withoutCdn: true });
  const about = { scanId: 'cut-short', node: NODE, kind: 'full' } as const;
  const begun = { ...about, jobId: 'j', repair: 'none', position: '1' } as const;
  await record(world.store, newEvent({ type: 'ScanStarted', data: begun }));
  const missing = { side: 'local', outcome: 'missing', subject: 'document', found: null } as const;
  for (let number = 0; number < 1_050; number += 1) {
    const data = { ...about, ...missing, path: `u/${number}.json`, expected: 'a'.repeat(64) };
    await record(world.store, newEvent({ type: 'DriftDetected', data }));
  }
  await world.scan();
  expect(world.node.catalog.scan('cut-short')).toMatchObject({ state: 'aborted' });
  const types = (await world.store.readStream(driftStream(NODE), { maxCount: 3_000 })).map(
    ({ type }) => type,
  );
  expect(types.filter((type) => type.startsWith('Scan'))).toEqual([
    'ScanStarted',
    'ScanAborted',
    'ScanStarted',
    'ScanCompleted',
  ]);
});

it('a log that goes away when all is compared is waited for, and the scan is told once', async () => {
  let [isAway, wasAway] = [false, false];
  class Leaving extends MemoryEventStore {
    override async head(): Promise<string> {
      if (!isAway) return super.head();
      [isAway, wasAway] = [false, true];
      throw new HoldfastError('EVENT_STORE_UNAVAILABLE', 'away for a moment');
    }
  }
  world.store = new Leaving();
  const catalog = new Proxy({} as Catalog, {
    get: (_, name) => {
      // What was open before is asked for last.
      if (name === 'openDrift') isAway = !wasAway;
      const value: unknown = Reflect.get(world.node.catalog, name);
      return typeof value === 'function' ? (value.bind(world.node.catalog) as unknown) : value;
    },
  });
  await runWith(['a.json'], { catalog });
  const { job } = await world.scan('full', { sides: 'local' });
  expect(job).toMatchObject({ state: 'succeeded' });
  expect(await typesOf()).toEqual(['ScanStarted', 'ScanCompleted']);
});

it('drift is recorded when it begins and when it ends, whoever mended it', async () => {
  await runWith(['a.json', 'b.json']);
  const bytes = readFileSync(world.live('a.json'), 'utf8');
  rmSync(world.live('a.json'));
  await world.scan();
  await world.scan();
  world.plant(world.live('a.json'), bytes);
  await world.scan();
  const around = (await typesOf()).filter((type) => type.startsWith('Drift'));
  expect(around).toEqual(['DriftDetected', 'DriftRepaired']);
  expect(world.alerts.raised.size).toBe(0);
});
