import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { LOG_ID } from '@holdfast/domain/testing';
import { GenerationIndex } from './generation-index.ts';
import type { RecordedDeletion, RecordedLiveFile } from './recorded-file.ts';
import { temporaryDirectory } from './testing/index.ts';

const INTENT = { path: 'a.json', version: 3, position: '0000000000000007', temporary: 'id-1' };

let directory: ReturnType<typeof temporaryDirectory>;
let file: string;
beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, '000001.db');
});
afterEach(() => {
  directory.remove();
});

const live = (path: string, version = 0): RecordedLiveFile => ({
  path,
  version,
  position: `000000000000001${version}`,
  state: 'live',
  sha256: 'a'.repeat(64),
  md5: 'b'.repeat(32),
  bytes: 3,
  contentType: 'application/json',
});

const gone = (path: string, version: number): RecordedDeletion => ({
  path,
  version,
  position: `000000000000001${version}`,
  state: 'deleted',
  sha256: null,
  md5: null,
  bytes: null,
  contentType: null,
});

const create = () => GenerationIndex.create(file, { logId: LOG_ID, durability: 'full' });

/** Closes without a clean end, as far as one process can: another connection sees what was committed. */
function reopened(index: GenerationIndex): GenerationIndex {
  index.close();
  return GenerationIndex.open(file);
}

it('remembers what was committed, and nothing else', () => {
  let index = create();
  expect([index.logId, index.checkpoint, index.recorded('a.json'), index.countLive()]).toEqual([
    LOG_ID,
    null,
    null,
    0,
  ]);
  index.commit({ files: [live('a.json'), gone('b.json', 1)], checkpoint: '0000000000000009' });
  index = reopened(index);
  expect(index.recorded('a.json')).toEqual(live('a.json'));
  expect(index.recorded('b.json')).toEqual(gone('b.json', 1));
  expect([index.logId, index.checkpoint, index.countLive()]).toEqual([LOG_ID, '0000000000000009', 1]);
  index.close();
});

it('never moves its checkpoint backwards', () => {
  const index = create();
  index.commit({ files: [], checkpoint: '0000000000000009' });
  index.commit({ files: [], checkpoint: '0000000000000003' });
  index.commit({ files: [], checkpoint: null });
  expect(index.checkpoint).toBe('0000000000000009');
  index.close();
});

it('keeps an intent until its path is committed or given up', () => {
  let index = create();
  index.noteIntents([INTENT, { ...INTENT, path: 'b.json' }]);
  index = reopened(index);
  expect([index.intentOf('a.json'), index.intentOf('c.json')]).toEqual(['id-1', undefined]);
  index.commit({ files: [live('a.json', 3)] });
  expect(index.intentOf('a.json')).toBeUndefined();
  index.commit({ files: [], abandoned: ['b.json'] });
  index = reopened(index);
  expect(index.intents()).toEqual([]);
  index.close();
});

it('samples live files that no change may have touched', () => {
  const index = create();
  index.commit({ files: [live('a.json'), live('b.json'), live('c.json'), gone('d.json', 1)] });
  index.noteIntents([INTENT]);
  expect(
    index
      .sampleLive(100)
      .map(({ path }) => path)
      .sort(),
  ).toEqual(['b.json', 'c.json']);
  expect(index.sampleLive(1)).toHaveLength(1);
  index.close();
});

it('keeps the first record of each poisonous event', () => {
  const index = create();
  const poison = {
    position: '0000000000000004',
    stream: 'content-a.json',
    version: 1,
    code: 'EVENT_UNREADABLE',
    message: 'no',
    foundAt: '2026-01-05T08:00:00.000Z',
  };
  index.commit({ files: [], poison: [poison] });
  index.commit({ files: [], poison: [{ ...poison, foundAt: '2026-01-06T08:00:00.000Z' }] });
  expect(index.poison()).toEqual([poison]);
  index.close();
});

it('a newer schema, a damaged file and one that was never finished are told apart', () => {
  create().close();
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  expect(() => GenerationIndex.open(file)).toThrow(expect.objectContaining({ code: 'SCHEMA_TOO_NEW' }));

  const damaged = join(directory.path, '000002.db');
  writeFileSync(damaged, Buffer.alloc(8192, 'x'));
  expect(() => GenerationIndex.open(damaged)).toThrow(expect.objectContaining({ code: 'DATABASE_CORRUPT' }));

  const unfinished = join(directory.path, '000003.db');
  expect(() => GenerationIndex.open(unfinished)).toThrow(
    expect.objectContaining({ code: 'DATABASE_CORRUPT' }),
  );
  expect(existsSync(unfinished)).toBe(true);
});
