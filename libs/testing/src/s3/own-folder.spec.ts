import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeOwnFolder } from './own-folder.ts';

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'holdfast-own-'));
});

afterEach(() => {
  rmSync(parent, { recursive: true });
});

const folderOf = (name: string, owner: number | null): string => {
  const folder = join(parent, name);
  mkdirSync(join(folder, 'osd'), { recursive: true });
  if (owner !== null) writeFileSync(join(folder, 'owner'), String(owner));
  return folder;
};

describe('makeOwnFolder', () => {
  it('removes the folders of processes that are gone, and no others', () => {
    const { pid: gone } = spawnSync(process.execPath, ['--version']);
    const abandoned = folderOf('hf-s3-gone', gone);
    const kept = [
      folderOf('hf-s3-alive', process.pid),
      folderOf('hf-s3-being-made', null),
      folderOf('another-programs', gone),
    ];

    const own = makeOwnFolder(parent);

    expect(existsSync(abandoned)).toBe(false);
    expect([own, ...kept].filter((folder) => !existsSync(folder))).toEqual([]);
    expect(makeOwnFolder(parent)).not.toBe(own);
    expect(existsSync(own)).toBe(true);
  });
});
