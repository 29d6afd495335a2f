import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { Finding } from '@holdfast/domain';
import { FindingsFile } from './findings-file.ts';

it('gives as many whole lines from its beginning as fit', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'holdfast-findings-'));
  const finding: Finding = {
    side: 'local',
    outcome: 'orphan',
    path: 'ünits/a.json',
    subject: 'file',
    expected: null,
    found: null,
  };
  const line = Buffer.from(`${JSON.stringify(finding)}\n`);
  try {
    const file = new FindingsFile(dataDir, 's1');
    file.begin();
    expect(file.firstLines(100)).toHaveLength(0);
    file.append([finding, finding, finding]);
    expect(file.firstLines(line.length - 1)).toHaveLength(0);
    expect(file.firstLines(2 * line.length + 5)).toEqual(Buffer.concat([line, line]));
    expect(file.firstLines(9_999)).toEqual(Buffer.concat([line, line, line]));
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});
