import { existsSync, mkdirSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { published } from '@holdfast/domain/testing';
import { readTree } from '@holdfast/storage/testing';
import type { ScanJobPorts } from './scan-job.ts';
import { DriftWorld } from './testing/drift-world.ts';

jest.setTimeout(120_000);

let world: DriftWorld;
beforeEach(() => {
  world = new DriftWorld();
});
afterEach(() => world.dispose());

/** The local projector, where something happens between a scan and the first thing that its repair asks for. */
function localAfter(happens: () => Promise<void>): ScanJobPorts['local'] {
  let happened: Promise<void> | null = null;
  const projector = async () => {
    await (happened ??= happens());
    return world.node.projector;
  };
  return {
    status: () => world.node.projector.status(),
    exclusively: async (work) => (await projector()).exclusively(work),
    materialiseAgain: async (paths) => (await projector()).materialiseAgain(paths),
  };
}

async function runWith(paths: readonly string[], beforeRepair: () => Promise<void>): Promise<void> {
  await world.given(...paths.map((each) => published(each)));
  await world.run({ local: localAfter(beforeRepair) });
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
    await runWith(['a.json'], () => {
      world.plant(world.live('kept/by-hand.json'), '{}');
      return Promise.resolve();
    });
    mkdirSync(world.live('kept'));
    await world.scan('full', { repair: 'all' });
    expect(Object.keys(readTree(world.live())).sort()).toEqual(['a.json', 'kept/by-hand.json']);
    const { findings } = await world.scan();
    expect(findings).toMatchObject([{ outcome: 'orphan', path: 'kept/by-hand.json' }]);
  });
});
