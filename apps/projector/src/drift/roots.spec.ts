import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { deleted, published } from '@holdfast/domain/testing';
import { DriftWorld } from './testing/drift-world.ts';

jest.setTimeout(120_000);

let world: DriftWorld;
beforeEach(() => {
  world = new DriftWorld();
});
afterEach(() => world.dispose());

/** The script of docs/roots.md, as it stands there, over a directory. */
function rootByTheDocs(...[directory, cwd]: [directory: string | null, cwd?: string]): string {
  const page = readFileSync(new URL('../../../../docs/roots.md', import.meta.url), 'utf8');
  const [, script = ''] = /```js\n(.*?)```/s.exec(page) ?? [];
  expect(script.split('\n').length).toBeLessThanOrEqual(34);
  const file = join(world.directory, 'root.mjs');
  writeFileSync(file, script);
  const operands = directory === null ? [] : [directory];
  return execFileSync(process.execPath, [file, ...operands], { cwd, encoding: 'utf8' }).trim();
}

it('the script in docs/roots.md computes the roots of a scan from the files alone', async () => {
  for (let number = 0; number < 37; number += 1)
    await world.given(published(`u/${number % 5}/${number}.json`));
  const sorted = ['a-b.json', 'a.json', 'a/b.json', 'é/\ufb01.json', 'é/\u{20000}.json'];
  for (const path of sorted) await world.given(published(path), published(path, { again: path }));
  await world.given(published('gone.json'), deleted('gone.json'));
  await world.run();
  await world.settled();
  const { report } = await world.scan();
  const root = report?.roots.expected ?? '';
  expect(report).toMatchObject({ unsettled: 0, roots: { expected: root, local: root, cdn: root } });
  expect(rootByTheDocs(world.live())).toBe(root);
  expect(rootByTheDocs(world.bucketFolder)).toBe(root);
  expect(rootByTheDocs('./content/', world.dataDir)).toBe(root);
  expect(rootByTheDocs(null, world.live())).toBe(root);

  world.flip(world.live('a/b.json'));
  const changed = await world.scan();
  expect(changed.report?.roots).toMatchObject({ expected: root, cdn: root });
  expect(changed.report?.roots.local).not.toBe(root);
  expect(rootByTheDocs(world.live())).toBe(changed.report?.roots.local);
});
