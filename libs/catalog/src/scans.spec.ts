import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EventData, noCdnCounts, noLocalCounts, systemClock } from '@holdfast/domain';
import { AT, MemoryEventStore, newEvent, record } from '@holdfast/domain/testing';
import type { Catalog } from './catalog.ts';
import { openCatalog } from './open-catalog.ts';

const NODE = 'web-1';
let directory: string;
let store: MemoryEventStore;
let catalog: Catalog;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-scans-'));
  store = new MemoryEventStore();
  catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock: systemClock });
  catalog.start(() => undefined);
});

afterEach(async () => {
  await catalog.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

const started = (scanId: string, jobId = 'job-1') =>
  newEvent({
    type: 'ScanStarted',
    data: { scanId, jobId, node: NODE, kind: 'full', repair: 'none', position: '1' },
  });
const report: Omit<EventData<'ScanCompleted'>, 'scanId'> = {
  node: NODE,
  kind: 'full',
  position: '1',
  counts: { local: { ...noLocalCounts(), same: 2 }, cdn: noCdnCounts() },
  roots: { expected: null, local: null, cdn: null },
  unsettled: 0,
  findingCount: 0,
  findings: [],
  disk: null,
  durationMs: 5,
};
const finding = {
  node: NODE,
  kind: 'full',
  side: 'local',
  outcome: 'missing',
  subject: 'document',
  expected: 'a'.repeat(64),
  found: null,
} as const;

async function given(...events: Parameters<typeof record>[1][]): Promise<void> {
  await record(store, ...events);
  await catalog.caughtUp();
}

describe('scans in the catalog', () => {
  it('run until they are completed or aborted, newest first', async () => {
    await given(started('s1'), started('s2', 'job-2'), started('s3', 'job-2'));
    expect(catalog.scans({ state: 'running', limit: 9 }).map(({ id }) => id)).toEqual(['s3', 's2', 's1']);
    const error = { code: 'LOG_MISMATCH', message: 'no' };
    await given(
      newEvent({ type: 'ScanCompleted', data: { ...report, scanId: 's1' } }),
      newEvent({ type: 'ScanAborted', data: { scanId: 's2', node: NODE, kind: 'full', error } }),
    );
    expect(catalog.scan('s1')).toMatchObject({ state: 'completed', startedAt: AT, endedAt: AT, report });
    expect(catalog.scan('s2')).toMatchObject({ state: 'aborted', error, report: null });
    expect(catalog.scan('job-2')?.id).toBe('s3');
    expect(catalog.scan('s9')).toBeNull();
  });

  it('leave drift open until it is mended, by page', async () => {
    const paths = ['a.json', 'b.json', 'c.json'];
    await given(
      ...paths.map((path) => newEvent({ type: 'DriftDetected', data: { ...finding, path, scanId: 's1' } })),
    );
    expect(catalog.openDriftCount(NODE)).toBe(3);
    const page = catalog.openDrift({ node: NODE, after: null, limit: 2 });
    expect(page).toMatchObject([
      { path: 'a.json', outcome: 'missing', scanId: 's1', detectedAt: AT },
      { path: 'b.json' },
    ]);
    expect(catalog.openDrift({ after: page[1]!, limit: 2 }).map(({ path }) => path)).toEqual(['c.json']);
    const repaired = { ...finding, path: 'b.json', scanId: 's2', action: 'materialise' } as const;
    await given(newEvent({ type: 'DriftRepaired', data: repaired }));
    expect(catalog.openDriftCount()).toBe(2);
    expect(catalog.openDriftAt({ node: NODE, side: 'local', path: 'b.json' })).toBeNull();
    expect(catalog.openDriftAt({ node: NODE, side: 'local', path: 'c.json' })).toMatchObject({
      outcome: 'missing',
    });
  });
});
