import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { prepareDataDirectory } from './data-directory.ts';
import { diskSpace } from './disk-space.ts';
import { currentUser } from './file-errors.ts';
import { mountSmallDisk, readTree, temporaryDirectory, whyNoSmallDisk } from './testing/index.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let dataDir: string;
beforeEach(() => {
  directory = temporaryDirectory();
  dataDir = join(directory.path, 'data');
});
afterEach(() => {
  directory.remove();
});

const refusal = (): unknown => {
  try {
    return prepareDataDirectory(dataDir);
  } catch (error) {
    return error;
  }
};

it('FR-001 FR-020 makes the directory where there is none, and leaves nothing of what it tried', () => {
  expect(prepareDataDirectory(dataDir)).toEqual({ lowerCaseOnly: false });
  expect(readTree(dataDir)).toEqual({ 'generations/': null });
  expect(prepareDataDirectory(dataDir)).toEqual({ lowerCaseOnly: false });
});

it('makes the directories above it too', () => {
  dataDir = join(dataDir, 'with/some/above');
  prepareDataDirectory(dataDir);
  expect(readTree(directory.path)).toEqual({ 'data/with/some/above/generations/': null });
});

it('accepts what an earlier run has left', () => {
  prepareDataDirectory(dataDir);
  mkdirSync(join(dataDir, 'generations/000001'));
  writeFileSync(join(dataDir, 'generations/000001.db'), '');
  symlinkSync('generations/000001', join(dataDir, 'content'));
  expect(prepareDataDirectory(dataDir)).toEqual({ lowerCaseOnly: false });
});

it('FR-020 refuses a path that is a file, naming it and the user', () => {
  writeFileSync(dataDir, '');
  expect(refusal()).toMatchObject({
    code: 'DATA_DIR_UNUSABLE',
    kind: 'fatal',
    context: { path: dataDir, user: currentUser() },
    message: expect.stringContaining(dataDir),
  });
});

it('says so where a link leads nowhere, as to a disk that is not mounted', () => {
  symlinkSync(join(directory.path, 'disk/data'), dataDir);
  expect(refusal()).toMatchObject({
    code: 'DATA_DIR_UNUSABLE',
    message: expect.stringContaining('(a symbolic link to what does not exist)'),
  });
});

const hasProc = existsSync('/proc/self');
(hasProc ? it : it.skip)('refuses a file system that takes no directories', () => {
  dataDir = '/proc/holdfast/data';
  expect(refusal()).toMatchObject({
    code: 'DATA_DIR_UNUSABLE',
    message: expect.stringContaining("ENOENT: no such file or directory, mkdir '/proc/holdfast'"),
  });
});

it('refuses anything but a link where the content link belongs', () => {
  mkdirSync(join(dataDir, 'content'), { recursive: true });
  expect(refusal()).toMatchObject({
    code: 'DATA_DIR_UNUSABLE',
    message: expect.stringContaining('move it away'),
  });
});

const skipped = whyNoSmallDisk();
(skipped === null ? describe : describe.skip)(
  `on a disk of its own${skipped === null ? '' : ` (${skipped})`}`,
  () => {
    it('FR-020 refuses one that is mounted read-only, as the user it runs as', () => {
      const disk = mountSmallDisk(1);
      try {
        dataDir = join(disk.path, 'data');
        prepareDataDirectory(dataDir);
        disk.remountReadOnly();
        expect(refusal()).toMatchObject({
          code: 'DATA_DIR_UNUSABLE',
          message: expect.stringMatching(/generations|data/),
          context: { user: currentUser(), errno: 'EROFS' },
        });
      } finally {
        disk.remove();
      }
    });

    it('accepts one that is full: what is published can still be read', () => {
      const disk = mountSmallDisk(1);
      try {
        dataDir = join(disk.path, 'data');
        prepareDataDirectory(dataDir);
        expect(() => writeFileSync(join(disk.path, 'filling'), Buffer.alloc(2 ** 21))).toThrow('ENOSPC');
        expect(diskSpace(disk.path)).toEqual({ freeBytes: 0, totalBytes: 2 ** 20 });
        expect(prepareDataDirectory(dataDir)).toEqual({ lowerCaseOnly: false });
        expect(readdirSync(join(dataDir, 'generations'))).toEqual([]);
      } finally {
        disk.remove();
      }
    });
  },
);

it('disk space of a path that is not there is a named error', () => {
  expect(() => diskSpace(dataDir)).toThrow(
    expect.objectContaining({
      code: 'STORAGE_UNAVAILABLE',
      context: { file: dataDir, attempted: 'ask for the free space of', errno: 'ENOENT' },
    }),
  );
});
