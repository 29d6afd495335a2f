import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BulkTree } from './bulk-tree.ts';
import type { BulkDocument } from './bulk-write.ts';
import {
  FaultyFiles,
  mountSmallDisk,
  readTree,
  temporaryDirectory,
  whyNoSmallDisk,
} from './testing/index.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let root: string;
beforeEach(() => {
  directory = temporaryDirectory();
  root = join(directory.path, 'tree');
  mkdirSync(root);
});
afterEach(() => {
  directory.remove();
});

/** Bytes of their own each time, as writing takes them over. */
const batch = (number: number, size = 20): BulkDocument[] =>
  Array.from({ length: size }, (_, index) => ({
    path: `d${number % 3}/${number}-${index}.json`,
    bytes: Uint8Array.from(Buffer.from(`live ${number} ${index}`)),
    previous: index % 2 === 0 ? null : Uint8Array.from(Buffer.from(`before ${number} ${index}`)),
  }));

function texts(documents: readonly BulkDocument[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { path, bytes, previous } of documents) {
    found[path] = Buffer.from(bytes).toString();
    if (previous !== null) found[`${path}.prev`] = Buffer.from(previous).toString();
  }
  return found;
}

it.each([1, 40])('writes %d batches, later ones in a thread of their own', async (batches) => {
  const umask = process.umask(0o077);
  const tree = new BulkTree({ root });
  const expected: Record<string, string> = {};
  for (let number = 0; number < batches; number += 1) {
    const documents = batch(number);
    Object.assign(expected, texts(documents));
    await tree.write(documents);
  }
  await tree.finish();
  await tree.close();
  process.umask(umask);
  expect(readTree(root)).toEqual(expected);
  expect(statSync(join(root, 'd0')).mode & 0o777).toBe(0o755);
  expect(statSync(join(root, 'd0/0-0.json')).mode & 0o777).toBe(0o644);
});

it('writes bodies that share a buffer with each other', async () => {
  const tree = new BulkTree({ root });
  const expected: Record<string, string> = {};
  for (let number = 0; number < 40; number += 1) {
    const shared = Buffer.from(
      batch(number)
        .map(({ path }) => path.padEnd(50))
        .join(''),
    );
    const documents = batch(number).map((document, index) => ({
      ...document,
      bytes: shared.subarray(index * 50, index * 50 + 50),
    }));
    Object.assign(expected, texts(documents));
    await tree.write(documents);
  }
  await tree.finish();
  await tree.close();
  expect(readTree(root)).toEqual(expected);
});

it('flushes file by file where there is no barrier', async () => {
  const files = new FaultyFiles({ at: 1, lasts: 'once', code: 'ENOSYS', operations: ['flushFileSystem'] });
  const tree = new BulkTree({ root, files });
  await tree.write(batch(0, 40));
  await tree.finish();
  // 40 documents, 20 versions before, the directory and the root.
  expect(files.calls.filter((call) => call.startsWith('flushPath'))).toHaveLength(62);
});

it('says what went wrong, in this thread or in the other', async () => {
  for (const first of [0, 2]) {
    const tree = new BulkTree({ root: join(root, 'absent') });
    if (first === 0) {
      await expect(tree.write(batch(0))).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      continue;
    }
    mkdirSync(join(root, 'absent'));
    await tree.write(batch(0, 40));
    directory.remove();
    await tree.write(batch(1));
    await expect(tree.finish()).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
      context: { errno: 'ENOENT' },
    });
    await tree.close();
  }
});

const skipped = whyNoSmallDisk();
(skipped === null ? describe : describe.skip)(
  `on a full disk${skipped === null ? '' : ` (${skipped})`}`,
  () => {
    it('ends with DISK_FULL', async () => {
      const disk = mountSmallDisk(1);
      const tree = new BulkTree({ root: disk.path });
      try {
        const fill = async (): Promise<void> => {
          for (let number = 0; number < 100; number += 1) await tree.write(batch(number, 100));
          await tree.finish();
        };
        await expect(fill()).rejects.toMatchObject({ code: 'DISK_FULL', kind: 'exhausted' });
      } finally {
        await tree.close();
        disk.remove();
      }
    });
  },
);
