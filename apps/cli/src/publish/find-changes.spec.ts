import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ListedDocument } from '@holdfast/api/types';
import { compareUtf8, sha256Of } from '@holdfast/domain';
import { findChanges, findVanished } from './find-changes.ts';
import { walk } from './walk.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-changes-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(files: Record<string, string | Uint8Array>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** What the server lists: sorted, as it does. */
async function* published(files: Record<string, string>): AsyncGenerator<ListedDocument> {
  for (const path of Object.keys(files).sort(compareUtf8)) {
    await Promise.resolve();
    yield {
      path,
      status: 'published',
      version: 0,
      position: '0000000000000001',
      at: '2026-11-23T12:00:00.000Z',
      actor: 'local',
      contentType: 'application/json',
      bytes: 2,
      sha256: null,
      sourceSha256: sha256Of(Buffer.from(files[path] ?? '')),
      cdn: null,
    };
  }
}

async function changes(server: Record<string, string>): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { kind, path, ...rest } of findChanges(walk(root, ''), published(server))) {
    found[path] = 'error' in rest ? rest.error.code : kind;
  }
  return found;
}

const vanished = (server: Record<string, string>): Promise<string[]> =>
  all(findVanished(walk(root, ''), published(server)));

async function all<Each>(iterable: AsyncIterable<Each>): Promise<Each[]> {
  const found: Each[] = [];
  for await (const each of iterable) found.push(each);
  return found;
}

describe('findChanges', () => {
  it('compares by the hash of the bytes as they were published', async () => {
    write({ 'a.json': '{}', 'a/b.json': '1', 'c.json': '2', 'd.json': '3' });
    expect(await changes({ 'a.json': '{}', 'a/b.json': 'other', 'd.json': '3', 'z.json': '9' })).toEqual({
      'a.json': 'unchanged',
      'a/b.json': 'changed',
      'c.json': 'changed',
      'd.json': 'unchanged',
    });
  });

  it('reports a file that is not UTF-8 or too large, and goes on', async () => {
    write({
      'a.json': Buffer.from([0x22, 0xff, 0x22]),
      'b.json': '{}',
      'c.json': Buffer.alloc(16 * 1024 * 1024 + 1),
    });
    expect(await changes({})).toEqual({
      'a.json': 'JSON_INVALID',
      'b.json': 'changed',
      'c.json': 'DOCUMENT_TOO_LARGE',
    });
  });

  it('sends the text exactly as it stands in the file', async () => {
    const text = '\ufeff{ "a" : 1.0e0,\r\n"b":"\\u00e9" }\n\n';
    write({ 'a.json': text });
    const [found] = await all(findChanges(walk(root, ''), published({})));
    expect(found).toEqual({ kind: 'changed', path: 'a.json', text });
  });
});

describe('findVanished', () => {
  it('finds what is published and has no place in the directory', async () => {
    write({ 'a-b.json': '{}', 'b/c.json': '{}', 'z.json': '{}' });
    const server = ['a.json', 'a-b.json', 'a/b.json', 'b/b.json', 'b/c.json', 'b/d.json', 'zz.json'];
    expect(await vanished(Object.fromEntries(server.map((path) => [path, '{}'])))).toEqual([
      'a.json',
      'a/b.json',
      'b/b.json',
      'b/d.json',
      'zz.json',
    ]);
  });

  it('takes nothing for vanished that is broken or behind a link', async () => {
    write({ 'broken.json': 'x' });
    symlinkSync('/nowhere', join(root, 'linked'));
    symlinkSync('/nowhere', join(root, 'linked.json'));
    expect(
      await vanished({
        'broken.json': '{}',
        'linked.json': '{}',
        'linked/a/b.json': '{}',
        'linker/a.json': '{}',
      }),
    ).toEqual(['linker/a.json']);
  });
});
