import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Finding } from '@holdfast/domain';
import { published } from '@holdfast/domain/testing';
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
});
