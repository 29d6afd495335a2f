import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Finding } from '@holdfast/domain';
import { deleted, FaultyObjectStore, OTHER_LOG_ID, published, record } from '@holdfast/domain/testing';
import { readTree } from '@holdfast/storage/testing';
import { DriftWorld } from './testing/drift-world.ts';

// Real files, threads and a bucket on a machine that may have other work.
jest.setTimeout(300_000);

const UUID = '0190a5a2-0000-7000-8000-000000000001';
const DOCUMENTS = 300;

let world: DriftWorld;
beforeEach(() => {
  world = new DriftWorld();
});
afterEach(() => world.dispose());

/** `side outcome subject path`: what a finding is about. */
const shown = ({ side, outcome, subject, path }: Finding): string => `${side} ${outcome} ${subject} ${path}`;
const pathOf = (number: number): string => `units/${number % 7}/u${String(number).padStart(4, '0')}.json`;

async function publishAll(): Promise<void> {
  for (let number = 0; number < DOCUMENTS; number += 1) {
    await world.given(published(pathOf(number), { number, text: 'x'.repeat(number) }));
  }
  // Some have a version before, some came and went, and names that sort by bytes alone.
  for (let number = 0; number < 40; number += 1)
    await world.given(published(pathOf(number), { again: number }));
  await world.given(published('gone/a.json'), deleted('gone/a.json'));
  for (const path of ['alone/only.json', 'a-b.json', 'a.json', 'a/b.json', '\ufb01.json', '\u{20000}.json']) {
    await world.given(published(path));
  }
}

it('SC-006 a full scan finds everything that was planted on both sides and nothing else; repair mends it; the next is clean', async () => {
  await publishAll();
  await world.run();
  await world.settled();
  const clean = await world.scan();
  expect(clean.findings).toEqual([]);
  expect(clean.report?.counts.local).toMatchObject({
    same: DOCUMENTS + 6,
    missing: 0,
    orphan: 0,
    different: 0,
  });
  expect(new Set(Object.values(clean.report?.roots ?? {})).size).toBe(1);
  const before = { local: readTree(world.live()), bucket: await objects() };

  const planted: string[] = [];
  const plant = (what: string, run: () => void): void => {
    run();
    planted.push(what);
  };
  const live = (path: string): string => world.live(path);
  // Local files.
  for (const number of [100, 101]) {
    plant(`local missing document ${pathOf(number)}`, () => rmSync(live(pathOf(number))));
  }
  plant(`local missing document a/b.json`, () => rmSync(live('a'), { recursive: true }));
  plant(`local missing document alone/only.json`, () => rmSync(live('alone/only.json')));
  for (const number of [110, 111]) {
    plant(`local different document ${pathOf(number)}`, () => world.flip(live(pathOf(number))));
  }
  plant(`local different document ${pathOf(112)}`, () => writeFileSync(live(pathOf(112)), ''));
  plant(`local different document ${pathOf(113)}`, () => {
    rmSync(live(pathOf(113)));
    symlinkSync('/etc/hostname', live(pathOf(113)));
  });
  plant(`local different mode ${pathOf(114)}`, () => chmodSync(live(pathOf(114)), 0o600));
  plant(`local missing previous ${pathOf(1)}.prev`, () => rmSync(live(`${pathOf(1)}.prev`)));
  plant(`local different previous ${pathOf(2)}.prev`, () => world.flip(live(`${pathOf(2)}.prev`)));
  plant(`local different mode ${pathOf(3)}.prev`, () => chmodSync(live(`${pathOf(3)}.prev`), 0o666));
  plant(`local orphan previous ${pathOf(120)}.prev`, () => world.plant(live(`${pathOf(120)}.prev`), '{}'));
  plant(`local orphan previous units/none.json.prev`, () => world.plant(live('units/none.json.prev'), '{}'));
  plant(`local orphan document units/none.json5.json`, () =>
    world.plant(live('units/none.json5.json'), '{}'),
  );
  plant(`local orphan document gone/a.json`, () => world.plant(live('gone/a.json'), '{}'));
  plant(`local orphan temporary ${pathOf(121)}.tmp.${UUID}`, () =>
    world.plant(live(`${pathOf(121)}.tmp.${UUID}`), 'half'),
  );
  plant(`local orphan file notes.txt`, () => world.plant(live('notes.txt'), 'notes'));
  plant(`local orphan link elsewhere`, () => symlinkSync('/etc', live('elsewhere')));
  plant(`local orphan directory empty/`, () => mkdirSync(live('empty')));
  plant(`local orphan directory wrong.json/`, () => world.plant(live('wrong.json/x.json'), '{}'));
  plant(`local different mode units/5/`, () => chmodSync(live('units/5'), 0o700));
  // The bucket.
  for (const number of [200, 201]) {
    plant(`cdn missing document ${pathOf(number)}`, () => rmSync(world.object(pathOf(number))));
  }
  plant(`cdn different document ${pathOf(210)}`, () => writeFileSync(world.object(pathOf(210)), '{"x":1}'));
  await world.putObject('gone/a.json', '{}');
  planted.push('cdn orphan document gone/a.json');
  await world.putObject('strange/b.json', '{}');
  planted.push('cdn orphan document strange/b.json');
  await world.putObject('other.json', '{}', { logId: OTHER_LOG_ID });
  planted.push('cdn foreign document other.json');
  plant('cdn foreign document robots.txt', () => world.plant(world.object('robots.txt'), 'User-agent: *'));

  const looked = await world.scan();
  expect(looked.findings.map(shown).sort()).toEqual([...planted].sort());
  expect(looked.job.counts).toMatchObject({ drift: planted.length - 2, foreign: 2 });
  expect(new Set(Object.values(looked.report?.roots ?? {})).size).toBe(3);
  expect([...world.alerts.raised.keys()]).toEqual(['DRIFT_FOUND']);
  expect(world.node.catalog.openDriftCount()).toBe(planted.length - 2);

  // While others publish, nothing they do is taken for drift.
  const publishing = publishMeanwhile();
  const mended = await world.scan('full', { repair: 'all' });
  await publishing;
  expect(mended.findings.map(shown).sort()).toEqual([...planted].sort());
  expect(mended.job).toMatchObject({ state: 'succeeded', counts: { notRepaired: 0, orphansLeft: 0 } });
  expect(world.node.catalog.openDrift({ after: null, limit: 99 })).toEqual([]);
  expect(world.alerts.raised.size).toBe(0);

  await world.settled();
  const after = await world.scan();
  expect(after.findings.map(shown)).toEqual([
    'cdn foreign document other.json',
    'cdn foreign document robots.txt',
  ]);
  expect(new Set(Object.values(after.report?.roots ?? {})).size).toBe(1);
  const others = (tree: object): object =>
    Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith('busy/')));
  expect(others(readTree(world.live()))).toEqual(before.local);
  expect(others(await objects())).toEqual({
    ...before.bucket,
    'other.json': '{}',
    'robots.txt': 'User-agent: *',
  });
  expect(readFileSync(world.at('quarantine/list.ndjson'), 'utf8')).toContain('"path":"notes.txt"');
});

async function publishMeanwhile(): Promise<void> {
  for (let number = 0; number < 150; number += 1) {
    await record(world.store, published(`busy/b${number % 20}.json`, { number }));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function objects(): Promise<Record<string, string>> {
  const { objects: listed } = await world.bucket.list({ prefix: '', after: null, maxCount: 1_000 });
  const texts: Record<string, string> = {};
  for (const { key } of listed) texts[key] = Buffer.from((await world.bucket.get(key)).body).toString();
  return texts;
}

describe('a full scan and what a listing does not show', () => {
  it('asks for none of the objects that are as they were put', async () => {
    const faulty = new FaultyObjectStore(world.bucket);
    world.bucket = faulty;
    await publishAll();
    await world.run();
    await world.settled();
    faulty.fail('head', { times: 1_000 });
    const { findings, report } = await world.scan();
    expect(findings).toEqual([]);
    expect(new Set(Object.values(report?.roots ?? {})).size).toBe(1);
  });

  it('asks for those that were written since, and finds a wrong content type or metadata', async () => {
    await publishAll();
    await world.run();
    await world.settled();
    const put = async (number: number, changes: Parameters<DriftWorld['putObject']>[2]) => {
      const { body } = await world.bucket.get(pathOf(number));
      await world.putObject(pathOf(number), Buffer.from(body).toString(), changes);
    };
    // The clock of a file system goes by its own ticks.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await put(200, { contentType: 'text/html' });
    await put(201, { logId: OTHER_LOG_ID });
    await put(202, {});
    const { findings, report } = await world.scan('full', { repair: 'restore' });
    const planted = [200, 201].map((number) => `cdn different metadata ${pathOf(number)}`);
    expect(findings.map(shown).sort()).toEqual(planted.sort());
    expect(new Set(Object.values(report?.roots ?? {})).size).toBe(1);
    await world.settled();
    expect((await world.scan()).findings).toEqual([]);
    expect(await world.bucket.head(pathOf(200))).toMatchObject({ contentType: 'application/json' });
  });

  it('asks for what was adopted, as nobody knows how it was put', async () => {
    await world.given(published('a.json', { n: 1 }), published('b.json', { n: 2 }));
    await world.putObject('a.json', JSON.stringify({ n: 1 }));
    await world.putObject('b.json', JSON.stringify({ n: 2 }), { contentType: 'text/html' });
    await world.run();
    await world.settled();
    expect(await world.bucket.head('b.json')).toMatchObject({ contentType: 'text/html' });
    expect((await world.scan()).findings.map(shown)).toEqual(['cdn different metadata b.json']);
  });
});

it('a deep scan reads the bytes of the bucket, and finds what a listing cannot show', async () => {
  await publishAll();
  await world.run();
  await world.settled();
  world.flip(world.object(pathOf(7)));
  await world.putObject(pathOf(8), JSON.stringify({ again: 8 }), { contentType: 'text/html' });
  const deep = await world.scan('deep');
  expect(deep.findings.map(shown).sort()).toEqual(
    [`cdn different document ${pathOf(7)}`, `cdn different metadata ${pathOf(8)}`].sort(),
  );
  expect(deep.report?.roots.cdn).not.toBeNull();
  const mended = await world.scan('deep', { repair: 'restore' });
  expect(mended.job.counts).toMatchObject({ replicated: 2, notRepaired: 0 });
  expect((await world.scan('deep')).findings).toEqual([]);
});
