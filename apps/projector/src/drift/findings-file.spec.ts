import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Finding } from '@holdfast/domain';
import { FindingsFile } from './findings-file.ts';

const finding: Finding = {
  side: 'local',
  outcome: 'orphan',
  path: 'ünits/a.json',
  subject: 'file',
  expected: null,
  found: null,
};

let dataDir: string;
let file: FindingsFile;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'holdfast-findings-'));
  file = new FindingsFile(dataDir, 's1');
});
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

async function pagesOf(size: number): Promise<(readonly Finding[])[]> {
  const pages = [];
  for await (const page of file.pages(size)) pages.push(page);
  return pages;
}

it('gives as many whole lines from its beginning as fit', () => {
  const line = Buffer.from(`${JSON.stringify(finding)}\n`);
  file.begin();
  expect(file.firstLines(100)).toHaveLength(0);
  file.append([finding, finding, finding]);
  expect(file.firstLines(line.length - 1)).toHaveLength(0);
  expect(file.firstLines(2 * line.length + 5)).toEqual(Buffer.concat([line, line]));
  expect(file.firstLines(9_999)).toEqual(Buffer.concat([line, line, line]));
});

it('gives all in pages, whatever their paths are made of', async () => {
  const odd = ['line\u2028separator', 'paragraph\u2029', 'next\u0085line', 'cr\rlf\n'];
  // More than is read at a time.
  const names = [...odd, ...Array<string>(40).fill('𝄞'.repeat(2_000))];
  const findings = names.map((path) => ({ ...finding, path }));
  file.begin();
  file.append(findings);
  expect(await pagesOf(30)).toEqual([findings.slice(0, 30), findings.slice(30)]);
});

it('says so when it cannot be read', async () => {
  await expect(pagesOf(4)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
});
