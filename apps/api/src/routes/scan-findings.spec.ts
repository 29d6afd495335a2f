import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { driftStream, type Finding, noCdnCounts, noLocalCounts } from '@holdfast/domain';
import { noneFound } from '../scan-findings.ts';
import { NODE, startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const SCAN = '0190a5a2-0000-7000-8000-000000000001';
const JOB = '0190a5a2-0000-7000-8000-000000000002';
const about = { scanId: SCAN, node: NODE, kind: 'full' } as const;

const found = (path: string, fields: Partial<Finding> = {}): Finding => ({
  side: 'local',
  outcome: 'missing',
  path,
  subject: 'document',
  expected: null,
  found: null,
  ...fields,
});

const FINDINGS = [
  found('plans/p1/manifest.json'),
  found('plans/p1/subjects/s1.json', { side: 'cdn' }),
  found('plans/p2/manifest.json', { outcome: 'different' }),
  found('stray.json', { outcome: 'orphan' }),
  found('units/', { subject: 'mode', outcome: 'different' }),
  found('units/u1.json', { side: 'cdn', outcome: 'foreign' }),
];

/** @param body  what the log has of more than a hundred */
async function scanned(
  findings: readonly Finding[],
  findingCount = findings.length,
  body: readonly Finding[] | null = null,
): Promise<void> {
  const begun = { ...about, jobId: JOB, repair: 'none', position: '1' } as const;
  await api.append(driftStream(NODE), { type: 'ScanStarted', data: begun });
  await api.append(driftStream(NODE), {
    type: 'ScanCompleted',
    ...(body === null ? {} : { body: Buffer.from(linesOf(body)) }),
    data: {
      ...about,
      position: '1',
      counts: { local: noLocalCounts(), cdn: noCdnCounts() },
      roots: { expected: null, local: null, cdn: null },
      unsettled: 0,
      findingCount,
      findings: findings.slice(0, 100),
      disk: null,
      durationMs: 12,
    },
  });
}

const linesOf = (findings: readonly Finding[]): string =>
  findings.map((finding) => `${JSON.stringify(finding)}\n`).join('');
const file = () => join(api.dataDir, 'scans', `${SCAN}.ndjson`);
function write(findings: readonly Finding[]): void {
  mkdirSync(join(api.dataDir, 'scans'), { recursive: true });
  writeFileSync(file(), linesOf(findings));
}

interface Page {
  readonly findings: Finding[];
  readonly isComplete: boolean;
  readonly next: string | null;
}
const pageOf = async (query: string): Promise<Page> =>
  (await api.get(`/v1/drift/scans/${SCAN}/findings?${query}`)).json as unknown as Page;

async function pages(query: string): Promise<string[][]> {
  const all: string[][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page = await pageOf(`${query}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    all.push(page.findings.map(({ path }) => path));
    cursor = page.next;
  }
  return all;
}

describe('GET /v1/drift/scans/:id/findings', () => {
  it.each(['from their file', 'from the log'])('gives every finding once, in pages, %s', async (where) => {
    await scanned(FINDINGS);
    if (where === 'from their file') write(FINDINGS);
    const paths = FINDINGS.map(({ path }) => path);
    expect(await pages('limit=4')).toEqual([paths.slice(0, 4), paths.slice(4)]);
    expect((await pageOf('limit=4')).isComplete).toBe(true);
  });

  it('gives those of a side, of some outcomes, below a directory', async () => {
    await scanned(FINDINGS);
    write(FINDINGS);
    expect(await pages('side=cdn')).toEqual([['plans/p1/subjects/s1.json', 'units/u1.json']]);
    expect(await pages('outcome=orphan,foreign')).toEqual([['stray.json', 'units/u1.json']]);
    expect(await pages('side=local&prefix=plans/p')).toEqual([
      ['plans/p1/manifest.json', 'plans/p2/manifest.json'],
    ]);
  });

  it('knows all that another node found by its report, whose pages go on where those of a file would', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => found(`ünits/${index}.json`));
    await scanned(many, many.length, many);
    const first = await pageOf('limit=700');
    expect(first).toMatchObject({ findings: many.slice(0, 700), isComplete: true });
    expect((await pages('limit=700')).flat()).toEqual(many.map(({ path }) => path));
    write(many);
    expect((await pageOf(`limit=1&cursor=${first.next}`)).findings).toEqual([many[700]]);
    expect((await api.get(`/v1/drift/scans/${SCAN}/summary`)).json).toMatchObject({
      directories: [{ directory: 'ünits/', count: 5_000 }],
    });
  });

  it('says so when the log has only their beginning', async () => {
    const many = Array.from({ length: 300 }, (_, index) => found(`units/${index}.json`));
    await scanned(many, many.length, many.slice(0, 200));
    expect(await pageOf('limit=1000')).toMatchObject({
      findings: many.slice(0, 200),
      isComplete: false,
      next: null,
    });
  });

  it('says so when only the first are known here', async () => {
    await scanned(FINDINGS, 1_000);
    expect(await pageOf('')).toMatchObject({ findings: FINDINGS, isComplete: false, next: null });
  });

  it('reads characters that lie across two pieces of the file, and leaves a line that is not whole yet', async () => {
    await scanned([]);
    const many = Array.from({ length: 2_000 }, (_, index) => found(`ünïts/ä${index}.json`));
    write(many);
    appendFileSync(file(), '{"side":"lo');
    expect((await pages('limit=700')).flat()).toEqual(many.map(({ path }) => path));
  });

  it.each(['side=disk', 'outcome=same', 'limit=0', 'cursor=bm9uZQ', 'other=1'])(
    'refuses %s',
    async (query) => {
      await scanned(FINDINGS);
      expect(await api.get(`/v1/drift/scans/${SCAN}/findings?${query}`)).toMatchObject({
        status: 400,
        json: { code: 'REQUEST_INVALID' },
      });
    },
  );

  it('knows no other scan', async () => {
    for (const route of ['findings', 'summary']) {
      expect(await api.get(`/v1/drift/scans/none/${route}`)).toMatchObject({
        status: 404,
        json: { code: 'SCAN_NOT_FOUND' },
      });
    }
  });
});

describe('GET /v1/drift/scans/:id/summary', () => {
  const summary = async (query = '') => (await api.get(`/v1/drift/scans/${SCAN}/summary${query}`)).json;
  const counts = (
    directory: string,
    local: Partial<Record<Finding['outcome'], number>>,
    cdn: Partial<Record<Finding['outcome'], number>> = {},
  ) => ({
    directory,
    count: [...Object.values(local), ...Object.values(cdn)].reduce((sum, count) => sum + count, 0),
    local: { ...noneFound(), ...local },
    cdn: { ...noneFound(), ...cdn },
  });

  it('counts by directory, side and outcome, with what lies in no directory under the prefix itself', async () => {
    await scanned(FINDINGS);
    write(FINDINGS);
    expect(await summary()).toEqual({
      prefix: '',
      directories: [
        counts('plans/', { missing: 1, different: 1 }, { missing: 1 }),
        counts('', { orphan: 1, different: 1 }),
        counts('units/', {}, { foreign: 1 }),
      ],
      others: { local: noneFound(), cdn: noneFound() },
      total: {
        local: { ...noneFound(), missing: 1, different: 2, orphan: 1 },
        cdn: { ...noneFound(), missing: 1, foreign: 1 },
      },
      isComplete: true,
      allowedOrphans: 100,
    });
  });

  it('goes a level down, and sums up what it does not list', async () => {
    await scanned(FINDINGS);
    write(FINDINGS);
    expect(await summary('?prefix=plans/p1/')).toMatchObject({
      directories: [counts('plans/p1/', { missing: 1 }), counts('plans/p1/subjects/', {}, { missing: 1 })],
    });
    expect(await summary('?limit=1')).toMatchObject({
      directories: [counts('plans/', { missing: 1, different: 1 }, { missing: 1 })],
      others: {
        local: { ...noneFound(), orphan: 1, different: 1 },
        cdn: { ...noneFound(), foreign: 1 },
      },
    });
    expect(await summary('?side=cdn&outcome=missing')).toMatchObject({
      directories: [counts('plans/', {}, { missing: 1 })],
    });
    expect(await summary('?prefix=plans/p1/m')).toMatchObject({
      directories: [counts('plans/p1/', { missing: 1 })],
      total: { local: { ...noneFound(), missing: 1 }, cdn: noneFound() },
    });
  });

  it('says how many orphans a repair may touch, by the settings and the documents there are', async () => {
    await api.close();
    api = await startApi({ config: { maxRepairs: { count: 0, percent: 50 } } });
    for (const path of ['a.json', 'b.json', 'c.json', 'd.json']) await api.put(path, '1');
    await scanned([]);
    expect(await summary()).toMatchObject({ allowedOrphans: 2 });
  });
});
