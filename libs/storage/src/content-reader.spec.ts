import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { LOG_ID } from '@holdfast/domain/testing';
import { type ContentReader, openContentReader } from './content-reader.ts';
import { ContentTree } from './content-tree.ts';
import { flipTo, makeGeneration, removeGeneration } from './flip-generation.ts';
import { GenerationIndex } from './generation-index.ts';
import { generationIndexFile, generationRoot } from './generations.ts';
import { openLocalBell } from './local-bell.ts';
import type { RecordedLiveFile } from './recorded-file.ts';
import { temporaryDirectory } from './testing/index.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let dataDir: string;
let reader: ContentReader;
const indexes: GenerationIndex[] = [];
beforeEach(() => {
  directory = temporaryDirectory();
  dataDir = directory.path;
  mkdirSync(join(dataDir, 'generations'));
  reader = openContentReader({ dataDir });
});
afterEach(() => {
  reader.close();
  for (const index of indexes.splice(0)) index.close();
  directory.remove();
});

function build(): { name: string; root: string; index: GenerationIndex } {
  const name = makeGeneration(dataDir);
  const index = GenerationIndex.create(generationIndexFile(dataDir, name), {
    logId: LOG_ID,
    durability: 'full',
  });
  indexes.push(index);
  return { name, root: generationRoot(dataDir, name), index };
}

function live(): ReturnType<typeof build> {
  const generation = build();
  flipTo(dataDir, generation.name);
  return generation;
}

const recorded = (path: string, version: number): RecordedLiveFile => ({
  path,
  version,
  position: `00000000000000${10 + version}`,
  state: 'live',
  sha256: 'a'.repeat(64),
  md5: 'b'.repeat(32),
  bytes: 3,
  contentType: 'application/json',
});

function textOf(path: string): string | null {
  const file = reader.openLive(path);
  if (file === null) return null;
  try {
    return Buffer.from(file.read()).toString();
  } finally {
    file.close();
  }
}

it('finds nothing, and waits in vain, while there is no generation', async () => {
  expect([
    reader.generation(),
    reader.recorded('a.json'),
    reader.checkpoint(),
    reader.openLive('a.json'),
  ]).toEqual([null, null, null, null]);
  expect(await reader.reached('a.json', 0, '0000000000000001', { timeoutMs: 1 })).toBe(false);
});

it('reads what the live generation has, and its index says', () => {
  const { root, index } = live();
  writeFileSync(join(root, 'a.json'), 'one');
  expect(reader.recorded('a.json')).toBeNull();
  index.commit({ files: [recorded('a.json', 0)], checkpoint: '0000000000000010' });
  expect(reader.generation()).toBe('000001');
  expect(reader.recorded('a.json')).toEqual(recorded('a.json', 0));
  expect(reader.checkpoint()).toBe('0000000000000010');
  expect(textOf('a.json')).toBe('one');
});

it('keeps reading the version it opened, whatever replaces it, and tells versions apart', async () => {
  const { root } = live();
  const tree = new ContentTree({ root });
  const write = (text: string) =>
    tree.change({
      replace: [{ path: 'a.json', bytes: Buffer.from(text), previous: null, temporary: 'id' }],
      remove: [],
    });
  await write('one');
  const first = reader.openLive('a.json')!;
  await write('two');
  const second = reader.openLive('a.json')!;
  expect([first, second].map((file) => Buffer.from(file.read()).toString())).toEqual(['one', 'two']);
  expect(first.bytes).toBe(3);
  expect(first.identity).not.toBe(second.identity);
  await tree.change({ replace: [], remove: [{ path: 'a.json', temporary: 'id' }] });
  expect(Buffer.from(second.read()).toString()).toBe('two');
  first.close();
  second.close();
  second.close();
  expect(reader.openLive('a.json')).toBeNull();
});

it('opens documents only, and follows no symbolic link below a generation', () => {
  const { root } = live();
  mkdirSync(join(root, 'real'));
  mkdirSync(join(root, 'dir.json'));
  writeFileSync(join(root, 'real/a.json'), 'one');
  writeFileSync(join(root, 'real/a.json.prev'), 'zero');
  symlinkSync('a.json', join(root, 'real/link.json'));
  symlinkSync('real', join(root, 'linked'));
  symlinkSync('/etc', join(root, 'etc'));
  execFileSync('mkfifo', [join(root, 'pipe.json')]);
  expect(textOf('real/a.json')).toBe('one');
  const others = [
    'real/link.json',
    'linked/a.json',
    'etc/a.json',
    'pipe.json',
    'dir.json',
    'real',
    'real/a.json.prev',
    'real/../real/a.json',
    '../000001.db',
    'real/a.json/b.json',
    'a'.repeat(300) + '.json',
  ];
  expect(others.map((path) => reader.openLive(path))).toEqual(others.map(() => null));
});

it('notices a link that takes the place of a directory it has read from', () => {
  const { root } = live();
  mkdirSync(join(root, 'a'));
  writeFileSync(join(root, 'a/b.json'), 'one');
  expect(textOf('a/b.json')).toBe('one');
  renameSync(join(root, 'a'), join(root, 'moved'));
  symlinkSync('moved', join(root, 'a'));
  expect(textOf('a/b.json')).toBeNull();
});

it('goes on when the whole data directory is moved, or reached by a link', () => {
  const { root } = live();
  writeFileSync(join(root, 'a.json'), 'one');
  expect(textOf('a.json')).toBe('one');
  const moved = `${dataDir}-moved`;
  renameSync(dataDir, moved);
  symlinkSync(moved, dataDir);
  try {
    expect(textOf('a.json')).toBe('one');
  } finally {
    rmSync(dataDir);
    renameSync(moved, dataDir);
  }
});

it('sees a flip at once, also when the generation before is removed', async () => {
  const first = live();
  writeFileSync(join(first.root, 'a.json'), 'one');
  first.index.commit({ files: [recorded('a.json', 0)] });
  expect([textOf('a.json'), reader.recorded('a.json')?.version]).toEqual(['one', 0]);
  const second = build();
  writeFileSync(join(second.root, 'a.json'), 'two');
  second.index.commit({ files: [recorded('a.json', 1)] });
  flipTo(dataDir, second.name);
  first.index.close();
  await removeGeneration(dataDir, first.name);
  expect([reader.generation(), textOf('a.json'), reader.recorded('a.json')?.version]).toEqual([
    '000002',
    'two',
    1,
  ]);
});

it('finds nothing where the index or the files of the live generation are gone', () => {
  const { root, index, name } = live();
  writeFileSync(join(root, 'a.json'), 'one');
  index.commit({ files: [recorded('a.json', 0)], checkpoint: '0000000000000010' });
  expect(reader.checkpoint()).not.toBeNull();
  rmSync(generationIndexFile(dataDir, name));
  expect([reader.recorded('a.json'), reader.checkpoint(), textOf('a.json')]).toEqual([null, null, 'one']);
  rmSync(root, { recursive: true });
  expect(textOf('a.json')).toBeNull();
});

it('waits for a version until it is there, is passed, or the time is up', async () => {
  const { index } = live();
  index.commit({ files: [recorded('a.json', 0)], checkpoint: '0000000000000010' });
  const at = '0000000000000012';
  expect(await reader.reached('a.json', 0, at, { timeoutMs: 0 })).toBe(true);
  expect(await reader.reached('a.json', 1, '0000000000000010', { timeoutMs: 0 })).toBe(true);
  expect(await reader.reached('a.json', 1, at, { timeoutMs: 1 })).toBe(false);
  expect(await reader.reached('a.json', 1, at, { timeoutMs: 60_000, signal: AbortSignal.abort() })).toBe(
    false,
  );

  const stop = new AbortController();
  const aborted = reader.reached('b.json', 1, at, { timeoutMs: 60_000, signal: stop.signal });
  const newer = reader.reached('a.json', 1, at, { timeoutMs: 10_000 });
  const passed = reader.reached('c.json', 4, '0000000000000011', { timeoutMs: 10_000 });
  index.commit({ files: [recorded('a.json', 2)], checkpoint: '0000000000000011' });
  expect(await Promise.all([newer, passed])).toEqual([true, true]);
  stop.abort();
  expect(await aborted).toBe(false);
});

it('tells of changes when the bell rings, and finds those that nobody rang for', async () => {
  const { index } = live();
  const bell = openLocalBell(dataDir);
  const heard = (): Promise<void> =>
    new Promise((resolve) => {
      const stop = reader.onChange(() => {
        stop();
        resolve();
      });
    });
  const rung = heard();
  bell.ring();
  await rung;
  const found = heard();
  index.commit({ files: [], checkpoint: '0000000000000010' });
  await found;
  const flipped = heard();
  flipTo(dataDir, build().name);
  await flipped;
  bell.close();
});

it('a reader in another process never misses a file during 1,000 overwrites', async () => {
  const { root } = live();
  const tree = new ContentTree({ root });
  const write = (version: number) =>
    tree.change({
      replace: [
        {
          path: 'a/b.json',
          bytes: Buffer.from(JSON.stringify({ version, filling: 'x'.repeat(20_000) })),
          previous: version === 0 ? null : 'live',
          temporary: 'id',
        },
      ],
      remove: [],
    });
  await write(0);
  const loop = spawn(process.execPath, ['-e', READER_LOOP, join(dataDir, 'content/a/b.json')]);
  let report = '';
  loop.stdout.on('data', (chunk: Buffer) => (report += chunk.toString()));
  await new Promise((resolve) => loop.stdout.once('data', resolve));
  for (let version = 1; version <= 1_000; version += 1) expect(await write(version)).toEqual(new Map());
  loop.kill('SIGTERM');
  await new Promise((resolve) => loop.once('exit', resolve));
  const { opened, missed, torn } = JSON.parse(report.split('\n').at(-2) ?? '') as Record<string, number>;
  expect({ missed, torn }).toEqual({ missed: 0, torn: 0 });
  expect(opened).toBeGreaterThan(1_000);
}, 60_000);

const READER_LOOP = `
const { readFileSync } = require('node:fs');
const counts = { opened: 0, missed: 0, torn: 0 };
process.on('SIGTERM', () => { console.log(JSON.stringify(counts)); process.exit(0); });
console.log('reading');
(function look() {
  for (let i = 0; i < 50; i += 1) {
    try {
      const text = readFileSync(process.argv[1], 'utf8');
      counts.opened += 1;
      if (!text.endsWith('x"}')) counts.torn += 1;
    } catch { counts.missed += 1; }
  }
  setImmediate(look);
})();
`;
