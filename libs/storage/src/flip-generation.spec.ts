import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { LOG_ID, OTHER_LOG_ID } from '@holdfast/domain/testing';
import { flipTo, makeGeneration, removeUnfinishedGenerations, trimGenerations } from './flip-generation.ts';
import { GenerationIndex } from './generation-index.ts';
import { generationIndexFile, listGenerations, liveGeneration } from './generations.ts';
import { findLogIdentities } from './log-identities.ts';
import { FaultyFiles, temporaryDirectory } from './testing/index.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let dataDir: string;
beforeEach(() => {
  directory = temporaryDirectory();
  dataDir = directory.path;
  mkdirSync(join(dataDir, 'generations'));
});
afterEach(() => {
  directory.remove();
});

function build(logId = LOG_ID): string {
  const name = makeGeneration(dataDir);
  writeFileSync(join(dataDir, 'generations', name, 'a.json'), name);
  const index = GenerationIndex.create(generationIndexFile(dataDir, name), { logId, durability: 'full' });
  index.commit({ files: [], checkpoint: '0000000000000001' });
  index.close();
  return name;
}

/** Builds that were killed: before there was an index, while it was made, and while the files were written. */
function buildHalf(): string[] {
  const names = [makeGeneration(dataDir), makeGeneration(dataDir), makeGeneration(dataDir)];
  const [, second, third] = names.map((name) => generationIndexFile(dataDir, name));
  writeFileSync(second!, '');
  GenerationIndex.create(third!, { logId: LOG_ID, durability: 'full' }).close();
  return names;
}

it('the link is the only truth about which generation is live', () => {
  expect(liveGeneration(dataDir)).toBeNull();
  const [first, second] = [build(), build()];
  expect([first, second, liveGeneration(dataDir)]).toEqual(['000001', '000002', null]);
  flipTo(dataDir, first);
  expect([liveGeneration(dataDir), readlinkSync(join(dataDir, 'content'))]).toEqual([
    first,
    `generations/${first}`,
  ]);
  flipTo(dataDir, second);
  expect(readFileSync(join(dataDir, 'content/a.json'), 'utf8')).toBe(second);
  expect(readdirSync(dataDir)).toEqual(['content', 'generations']);
});

it('a link that leads elsewhere names no generation, and is replaced by a flip', () => {
  symlinkSync('/somewhere/else', join(dataDir, 'content'));
  expect(liveGeneration(dataDir)).toBeNull();
  flipTo(dataDir, build());
  expect(liveGeneration(dataDir)).toBe('000001');
});

it('a number that the link or a lone index has is not used again', () => {
  symlinkSync('generations/000041', join(dataDir, 'content'));
  writeFileSync(join(dataDir, 'generations/000007.db'), '');
  expect(makeGeneration(dataDir)).toBe('000042');
  expect(listGenerations(dataDir)).toEqual(['000007', '000042']);
});

it('the old generation stays live whatever step of a flip fails, and the next flip succeeds', () => {
  flipTo(dataDir, build());
  const next = build();
  for (let at = 1; at <= 4; at += 1) {
    const files = new FaultyFiles({ at, lasts: 'once', code: 'EIO' });
    expect(() => flipTo(dataDir, next, files)).toThrow(
      expect.objectContaining({ code: 'STORAGE_UNAVAILABLE' }),
    );
    expect(liveGeneration(dataDir)).toBe('000001');
  }
  flipTo(dataDir, next);
  expect(liveGeneration(dataDir)).toBe(next);
});

it('removes builds that were not flipped to and all but the last generation before the live one', async () => {
  expect(await trimGenerations(dataDir, 1)).toEqual([]);
  const names = [build(), build(), build(), build(), build()];
  expect(await trimGenerations(dataDir, 1)).toEqual([]);
  flipTo(dataDir, names[2]!);
  expect(await trimGenerations(dataDir, 1)).toEqual(['000001', '000004', '000005']);
  expect(readdirSync(join(dataDir, 'generations'))).toEqual(['000002', '000002.db', '000003', '000003.db']);
  expect(await trimGenerations(dataDir, 1)).toEqual([]);
});

it('removes builds that were killed, and nothing that is live, finished or damaged', async () => {
  const killed = buildHalf();
  const finished = build();
  const damaged = build();
  writeFileSync(generationIndexFile(dataDir, damaged), Buffer.alloc(8192, 'x'));
  expect(await removeUnfinishedGenerations(dataDir)).toEqual(killed);
  expect(listGenerations(dataDir)).toEqual([finished, damaged]);
  const [first, ...others] = buildHalf();
  flipTo(dataDir, first!);
  expect(await removeUnfinishedGenerations(dataDir)).toEqual(others);
  expect(listGenerations(dataDir)).toEqual([finished, damaged, first]);
});

it('a build that was killed does not take the place of the last generation before the live one', async () => {
  const finished = build();
  const killed = buildHalf();
  const live = build();
  flipTo(dataDir, live);
  expect(await trimGenerations(dataDir, 1)).toEqual(killed);
  expect(listGenerations(dataDir)).toEqual([finished, live]);
});

it('one that cannot be removed is told as a failure of the storage, and does not keep the others', async () => {
  const names = [build(), build(), build(), build()];
  const index = join(dataDir, 'generations', `${names[0]!}.db`);
  // No file, so it cannot be removed as one, whoever runs this.
  rmSync(index);
  mkdirSync(index);
  flipTo(dataDir, names[3]!);
  await expect(trimGenerations(dataDir, 1)).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    context: { file: index },
  });
  expect(listGenerations(dataDir)).toEqual(['000001', '000003', '000004']);
});

it('finds the identities of the logs without leaving a trace', () => {
  expect(findLogIdentities(join(dataDir, 'absent'))).toEqual([]);
  build();
  build();
  build(OTHER_LOG_ID);
  writeFileSync(join(dataDir, 'generations/000009.db'), 'no database at all');
  const before = readdirSync(join(dataDir, 'generations'));
  expect(findLogIdentities(dataDir)).toEqual([LOG_ID, OTHER_LOG_ID]);
  expect(readdirSync(join(dataDir, 'generations'))).toEqual(before);
});

it('finds the identity of an index that is being written', () => {
  const name = makeGeneration(dataDir);
  const index = GenerationIndex.create(generationIndexFile(dataDir, name), {
    logId: LOG_ID,
    durability: 'full',
  });
  index.commit({ files: [], checkpoint: '0000000000000001' });
  expect(findLogIdentities(dataDir)).toEqual([LOG_ID]);
  index.commit({ files: [], checkpoint: '0000000000000002' });
  index.close();
});
