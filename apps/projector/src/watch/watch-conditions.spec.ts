import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { openCatalog } from '@holdfast/catalog';
import { ModeWatch } from '@holdfast/domain';
import { ManualClock, MemoryEventStore, newEvent, path, published, record } from '@holdfast/domain/testing';
import { watchConditions } from './watch-conditions.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-watch-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

it('a catalog that is being built again ends no alert', async () => {
  const [store, clock] = [new MemoryEventStore(), new ManualClock()];
  const error = { code: 'OBJECT_REJECTED', message: 'No.' };
  const data = { path: path('units/a.json'), version: 0, action: 'put', attempts: 1, error } as const;
  await record(store, published(data.path), newEvent({ type: 'ReplicationDeadLettered', data }));
  const catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock });
  const told: string[] = [];
  const conditions = watchConditions(
    {
      board: {
        raise: ({ code }) => told.push(`${code} raised`),
        clear: ({ code }) => told.push(`${code} cleared`),
      },
      store,
      catalog,
      mode: new ModeWatch({ store, clock }),
      clock,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      disks: [],
      statuses: () => [],
      scans: [{ kind: 'full', dueBefore: () => null }],
      onDeputy: () => undefined,
      cdn: {
        isHeld: true,
        purgingStatus: () => ({
          state: 'starting',
          reason: null,
          pending: 0,
          oldestPendingAt: null,
          refused: 0,
        }),
      },
    },
    { node: 'web-1', process: 'projector', failover: 'off', cdnBaseUrl: null },
  );
  await conditions.look();
  const ofTheLogAlone = ['EVENT_STORE_UNREACHABLE cleared', 'FAILED_OVER cleared', 'LOG_MISMATCH cleared'];
  expect(told.splice(0).sort()).toEqual(ofTheLogAlone);
  catalog.start((trouble) => told.push(String(trouble)));
  await catalog.caughtUp();
  await conditions.look();
  expect(told.sort()).toEqual([
    ...ofTheLogAlone,
    'NODE_SILENT cleared',
    'REPLICATION_DEAD_LETTERED raised',
    'SCAN_OVERDUE cleared',
  ]);
  await catalog.close();
});
