import { expect, it } from '@jest/globals';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countInside } from './count-inside.ts';
import { temporaryDirectory } from './testing/directories.ts';

it('every name below a directory counts, and nothing behind a link', async () => {
  const { path, remove } = temporaryDirectory();
  mkdirSync(join(path, 'in/a/b'), { recursive: true });
  mkdirSync(join(path, 'out'));
  for (const name of ['in/1', 'in/a/2', 'in/a/b/3', 'out/4']) writeFileSync(join(path, name), '');
  symlinkSync(join(path, 'out'), join(path, 'in/link'));
  expect(await countInside(join(path, 'in'))).toBe(6);
  expect(await countInside(join(path, 'in/a/b/3'))).toBe(0);
  expect(await countInside(join(path, 'gone'))).toBe(0);
  remove();
});
