import { sha256Of } from '@holdfast/domain';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { lookAt } from './look-at-file.ts';
import { Quarantine } from './quarantine.ts';
import { readTree, temporaryDirectory } from './testing/directories.ts';

const AT = new Date('2026-01-05T08:00:00.000Z');
const about = { scanId: 'scan-1', at: AT };
const back = { job: 'job-1', at: AT, isTaken: () => false };
let temporary: ReturnType<typeof temporaryDirectory>;
let root: string;
let quarantine: Quarantine;

beforeEach(() => {
  temporary = temporaryDirectory();
  root = join(temporary.path, 'generations/000001');
  mkdirSync(root, { recursive: true });
  quarantine = new Quarantine(temporary.path);
});
afterEach(() => {
  temporary.remove();
});

function write(path: string, text = path): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
const move = (path: string) => quarantine.moveHere(root, lookAt(root, path)!, about);

describe('the quarantine', () => {
  it('FR-027 keeps what is moved there with where it came from, and leaves no empty directory behind', () => {
    write('stray/deep/a.json', 'A');
    write('kept.json');
    const entry = move('stray/deep/a.json');
    expect(readTree(root)).toEqual({ 'kept.json': 'kept.json' });
    expect(quarantine.entries()).toEqual([entry]);
    expect(entry).toEqual({
      id: entry.id,
      path: 'stray/deep/a.json',
      file: `${entry.id}/a.json`,
      movedAt: AT.toISOString(),
      scanId: 'scan-1',
      bytes: 1,
      sha256: sha256Of(Buffer.from('A')),
    });
    expect(readFileSync(join(temporary.path, 'quarantine', entry.file), 'utf8')).toBe('A');
  });

  it('takes links as links, and directories with all that is in them', () => {
    write('odd.json/x.txt', 'X');
    symlinkSync('/etc', join(root, 'etc'));
    const [directory, link] = [move('odd.json/'), move('etc')];
    expect(readTree(root)).toEqual({});
    expect(quarantine.entries()).toEqual([link, directory]);
    expect(lstatSync(join(temporary.path, 'quarantine', link.file)).isSymbolicLink()).toBe(true);
    quarantine.restore(root, directory.id, back);
    expect(readTree(root)).toEqual({ 'odd.json/x.txt': 'X' });
  });

  it('moves things back once, and never over something else', () => {
    write('a/b.json', '1');
    const { id } = move('a/b.json');
    write('a/b.json', '2');
    const restore = () => quarantine.restore(root, id, back);
    expect(restore).toThrow(expect.objectContaining({ code: 'QUARANTINE_PLACE_TAKEN' }));
    expect(readTree(root)).toEqual({ 'a/b.json': '2' });
    move('a/b.json');
    const whereItBelongsToAnother = () =>
      quarantine.restore(root, id, { ...back, isTaken: (path) => path === 'a/b.json' });
    expect(whereItBelongsToAnother).toThrow(expect.objectContaining({ code: 'QUARANTINE_PLACE_TAKEN' }));
    expect(readTree(root)).toEqual({});
    restore();
    expect(readTree(root)).toEqual({ 'a/b.json': '1' });
    const another = () => quarantine.restore(root, id, { ...back, job: 'job-2' });
    expect(another).toThrow(expect.objectContaining({ code: 'QUARANTINE_ENTRY_NOT_FOUND' }));
    expect(quarantine.entries()).toHaveLength(1);
  });

  it('moves back for a job that runs again what a crash kept it from, and no more', () => {
    write('a.json', '1');
    const entry = move('a.json');
    const { id } = entry;
    // The list is written first.
    const line = JSON.stringify({ restored: { id, at: AT.toISOString(), job: back.job } });
    appendFileSync(join(temporary.path, 'quarantine/list.ndjson'), `\n${line}\n`);
    expect(quarantine.entries()).toEqual([entry]);
    expect(quarantine.restore(root, id, back)).toEqual(entry);
    write('a.json', 'changed since');
    expect(quarantine.restore(root, id, back)).toEqual(entry);
    expect(readTree(root)).toEqual({ 'a.json': 'changed since' });
    expect(quarantine.entries()).toEqual([]);
  });

  it('moves nothing back through a link, or below a file', () => {
    write('a/b/c.json', '1');
    const { id } = move('a/b/c.json');
    const outside = join(temporary.path, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(root, 'a'));
    const restore = () => quarantine.restore(root, id, back);
    expect(restore).toThrow(expect.objectContaining({ code: 'QUARANTINE_PLACE_TAKEN' }));
    expect(readdirSync(outside)).toEqual([]);
    rmSync(join(root, 'a'));
    write('a');
    expect(restore).toThrow(expect.objectContaining({ code: 'QUARANTINE_PLACE_TAKEN' }));
    expect(quarantine.entries()).toHaveLength(1);
  });

  it('reads a list that a loss of power cut short, and writes on', () => {
    write('a.json');
    write('b.json');
    const first = move('a.json');
    appendFileSync(join(temporary.path, 'quarantine/list.ndjson'), '{"moved":{"id":"0190');
    const second = move('b.json');
    expect(quarantine.entries()).toEqual([second, first]);
  });

  it('is empty where there is none', () => {
    expect(quarantine.entries()).toEqual([]);
  });
});
