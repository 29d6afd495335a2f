import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { driftStream, type Finding, noCdnCounts, nodeStream, noLocalCounts } from '@holdfast/domain';
import { Quarantine } from '@holdfast/storage';
import { NODE, parseLines, startApi, type TestApi } from '../testing/start-api.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

const SCAN = '0190a5a2-0000-7000-8000-000000000001';
const JOB = '0190a5a2-0000-7000-8000-000000000002';
const about = { scanId: SCAN, node: NODE, kind: 'full' } as const;
const finding: Finding = {
  side: 'local',
  outcome: 'missing',
  path: 'a.json',
  subject: 'document',
  expected: 'a'.repeat(64),
  found: null,
};
const stream = driftStream(NODE);

async function scanned(changes: { sides?: 'local'; findingCount?: number } = {}): Promise<void> {
  const begun = { ...about, jobId: JOB, repair: 'none', position: '1' } as const;
  await api.append(stream, { type: 'ScanStarted', data: begun });
  await api.append(stream, { type: 'DriftDetected', data: { ...about, ...finding } });
  await api.append(stream, {
    type: 'ScanCompleted',
    data: {
      ...about,
      position: '1',
      counts: { local: { ...noLocalCounts(), same: 4, missing: 1 }, cdn: noCdnCounts() },
      roots: { expected: 'b'.repeat(64), local: null, cdn: null },
      unsettled: 0,
      findingCount: 1,
      findings: [finding],
      disk: null,
      durationMs: 12,
      ...changes,
    },
  });
}

describe('GET /v1/drift', () => {
  it('has nothing to show before the first scan', async () => {
    expect((await api.get('/v1/drift')).json).toEqual({ scans: [], openCount: 0, open: [] });
  });

  it('shows the latest scans, and what is still to be mended', async () => {
    await scanned();
    const { status, json } = await api.get('/v1/drift');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      scans: [{ id: SCAN, state: 'completed', isClean: false, counts: { local: { missing: 1 } } }],
      openCount: 1,
      open: [{ ...finding, node: NODE, scanId: SCAN }],
    });
    expect((await api.get('/metrics')).body.toString()).toMatch(
      /^holdfast_scan_age_seconds\{kind="full",state="completed",.*\} \d/m,
    );
  });

  it('leaves out the findings of each scan where nobody wants them', async () => {
    await scanned();
    const findingsOf = async (query: string) =>
      ((await api.get(`/v1/drift${query}`)).json['scans'] as { findings: unknown[] }[])[0]?.findings;
    expect(await findingsOf('')).toEqual([finding]);
    expect(await findingsOf('?findings=false')).toEqual([]);
  });

  it.each([SCAN, JOB])('shows one scan by its id or its job’s (%s), and streams its findings', async (id) => {
    await scanned({ findingCount: 3 });
    expect((await api.get(`/v1/drift/scans/${id}`)).json).toMatchObject({ id: SCAN, findings: [finding] });
    const asLines = { accept: 'application/x-ndjson' };
    expect(await api.get(`/v1/drift/scans/${id}`, asLines)).toMatchObject({
      status: 404,
      json: { code: 'SCAN_NOT_FOUND' },
    });
    mkdirSync(join(api.dataDir, 'scans'));
    writeFileSync(join(api.dataDir, 'scans', `${SCAN}.ndjson`), `${JSON.stringify(finding)}\n`.repeat(3));
    const streamed = await api.get(`/v1/drift/scans/${id}`, asLines);
    expect(parseLines(streamed.body.toString())).toEqual([finding, finding, finding]);
  });

  it.each(['both', 'local'] as const)('says what a scan compared with the log: %s', async (sides) => {
    await scanned(sides === 'both' ? {} : { sides });
    expect((await api.get(`/v1/drift/scans/${SCAN}`)).json).toMatchObject({ sides });
  });

  it('knows no other scan', async () => {
    expect(await api.get('/v1/drift/scans/none')).toMatchObject({
      status: 404,
      json: { code: 'SCAN_NOT_FOUND' },
    });
  });
});

describe('POST /v1/drift/scans', () => {
  const request = (body: unknown) => api.send('POST', '/v1/drift/scans', body);

  it.each([
    [{}, { kind: 'full', repair: 'none', confirmedOrphans: null, sides: 'both' }],
    [
      { kind: 'quick', repair: 'restore' },
      { kind: 'quick', repair: 'restore', confirmedOrphans: null, sides: 'both' },
    ],
    [
      { kind: 'deep', repair: true, confirm: 7 },
      { kind: 'deep', repair: 'all', confirmedOrphans: 7, sides: 'both' },
    ],
  ])('asks for a job with %j', async (body, parameters) => {
    expect(await request(body)).toMatchObject({
      status: 202,
      json: { kind: 'scan', node: NODE, parameters, state: 'requested' },
    });
  });

  it('is asked of another node, which has to be known', async () => {
    expect(await request({ node: 'web-2' })).toMatchObject({ status: 404, json: { code: 'NODE_NOT_FOUND' } });
    const report = {
      version: '1.0.0',
      runtime: 'node 24',
      startedAt: '2026-01-05T08:00:00.000Z',
      intervalSeconds: 5,
      projectors: [],
      disks: [],
      memoryBytes: 100,
    };
    await api.append(nodeStream('web-2'), { type: 'NodeReported', data: { node: 'web-2', ...report } });
    expect(await request({ node: 'web-2' })).toMatchObject({ status: 202, json: { node: 'web-2' } });
    expect(await request({ node: NODE })).toMatchObject({ status: 202, json: { node: NODE } });
  });

  it.each([{ kind: 'slow' }, { repair: 'some' }, { confirm: -1 }, { other: 1 }])(
    'refuses %j',
    async (body) => {
      expect(await request(body)).toMatchObject({ status: 400, json: { code: 'REQUEST_INVALID' } });
    },
  );
});

describe('the quarantine', () => {
  it('is listed, and what is in it is asked back as a job', async () => {
    expect((await api.get('/v1/quarantine')).json).toEqual({ entries: [] });
    writeFileSync(join(api.dataDir, 'stray.json'), '{}');
    const stray = { path: 'stray.json', bytes: 2, sha256: null };
    const about = { scanId: SCAN, at: new Date('2026-01-05T08:00:00.000Z') };
    const entry = new Quarantine(api.dataDir).moveHere(api.dataDir, stray, about);
    expect((await api.get('/v1/quarantine')).json).toEqual({ entries: [entry] });
    expect(await api.send('POST', '/v1/quarantine/restore', { id: entry.id })).toMatchObject({
      status: 202,
      json: { kind: 'quarantine-restore', parameters: { id: entry.id } },
    });
  });
});
