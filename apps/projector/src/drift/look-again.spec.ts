import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Finding, MAX_DOCUMENT_BYTES } from '@holdfast/domain';
import { FaultyObjectStore, published } from '@holdfast/domain/testing';
import { DriftWorld } from './testing/drift-world.ts';

// Real files, threads and a bucket on a machine that may have other work.
jest.setTimeout(120_000);

let world: DriftWorld;
beforeEach(() => {
  world = new DriftWorld();
});
afterEach(() => world.dispose());

const shown = ({ side, outcome, subject, path }: Finding): string => `${side} ${outcome} ${subject} ${path}`;

describe('a local name that is not UTF-8', () => {
  it('is told as unreadable, and stays where it is', async () => {
    await world.given(published('a.json'));
    await world.run({ withoutCdn: true });
    const named = (name: string): Buffer => Buffer.from(`${world.live('')}/${name}`, 'latin1');
    writeFileSync(named('n\xff.txt'), 'nobody sees it');
    mkdirSync(named('d\xff'));
    writeFileSync(named('d\xff/a.json'), '{}');
    const { job, findings } = await world.scan('full', { sides: 'local', repair: 'all' });
    expect(findings.map(shown)).toEqual([
      'local unreadable directory d\ufffd/',
      'local unreadable file n\ufffd.txt',
    ]);
    expect(job.counts).toMatchObject({ quarantined: 0, notRepaired: 2 });
    expect((await world.scan('full', { sides: 'local' })).findings).toEqual(findings);
  });

  it('keeps no other drift open that is mended', async () => {
    await world.given(published('a.json'));
    await world.run({ withoutCdn: true });
    mkdirSync(Buffer.from(`${world.live('')}/d\xff`, 'latin1'));
    const bytes = readFileSync(world.live('a.json'));
    rmSync(world.live('a.json'));
    const open = async (): Promise<string[]> => {
      await world.scan('full', { sides: 'local' });
      return world.node.catalog.openDrift({ after: null, limit: 9 }).map(({ path }) => path);
    };
    expect(await open()).toEqual(['a.json', 'd\ufffd/']);
    writeFileSync(world.live('a.json'), bytes);
    expect(await open()).toEqual(['d\ufffd/']);
  });
});

describe('a request to the bucket that fails', () => {
  const keys = Array.from({ length: 60 }, (_, number) => `u/${String(number).padStart(2, '0')}.json`);
  let faulty: FaultyObjectStore;
  beforeEach(async () => {
    await world.given(...keys.map((key) => published(key)));
    world.bucket = faulty = new FaultyObjectStore(world.bucket);
    await world.run();
    await world.settled();
  });

  it.each([
    ['deep', 'head'],
    ['deep', 'get'],
    ['quick', 'get'],
  ] as const)('is made again in a %s scan, be it a %s', async (kind, method) => {
    faulty.fail(method, { key: keys[3]! });
    const { findings, report } = await world.scan(kind);
    expect(findings.map(shown)).toEqual([]);
    expect(report?.counts.cdn).toMatchObject({ same: keys.length, unreadable: 0 });
  });

  it('says nothing about other objects, where the bucket answers', async () => {
    faulty.fail('get', { key: keys[3]!, times: 1_000 });
    const { findings, report } = await world.scan('deep');
    expect(findings.map(shown)).toEqual([`cdn unreadable document ${keys[3]!}`]);
    expect(report?.counts.cdn).toMatchObject({ same: keys.length - 1, unreadable: 1 });
  });

  it('is the last but a few, where the bucket is away', async () => {
    for (const method of ['head', 'get'] as const) faulty.fail(method, { times: 1_000 });
    const asked = [jest.spyOn(faulty, 'head'), jest.spyOn(faulty, 'get')];
    const { findings } = await world.scan('quick');
    expect(findings.map(shown)).toEqual(keys.map((key) => `cdn unreadable document ${key}`));
    const requests = asked.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    expect(requests).toBeLessThan(10);
  });
});

it('a deep scan downloads what may be a document, and nothing larger or of another name', async () => {
  await world.given(published('a.json'), published('b.json'));
  await world.run();
  await world.settled();
  await world.putObject('mine.json', '{}');
  world.plant(world.object('backup.tar'), 'somebody else has it');
  for (const key of ['b.json', 'huge.json']) {
    world.plant(world.object(key), '');
    truncateSync(world.object(key), MAX_DOCUMENT_BYTES + 1);
  }
  const get = jest.spyOn(world.bucket, 'get');
  const { findings, report } = await world.scan('deep');
  expect(findings.map(shown)).toEqual([
    'cdn different document b.json',
    'cdn foreign document backup.tar',
    'cdn foreign document huge.json',
    'cdn orphan document mine.json',
  ]);
  const read = get.mock.calls.map(([key]) => key).filter((key) => !key.startsWith('.'));
  expect(read.sort()).toEqual(['a.json', 'mine.json']);
  expect(report?.counts.cdn).toMatchObject({ same: 1, unreadable: 0 });
});
