import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AlertCode, systemClock } from '@holdfast/domain';
import { AT, MemoryEventStore, newEvent, record } from '@holdfast/domain/testing';
import type { Catalog } from './catalog.ts';
import { openCatalog } from './open-catalog.ts';

let directory: string;
let store: MemoryEventStore;
let catalog: Catalog;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-alerts-'));
  store = new MemoryEventStore();
  catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock: systemClock });
  catalog.start(() => undefined);
});

afterEach(async () => {
  await catalog.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

const raised = (code: AlertCode, subject: string, message = 'It began.') =>
  newEvent({
    type: 'AlertRaised',
    data: { code, subject, severity: 'critical', message, details: { free: 1 } },
  });
const cleared = (code: AlertCode, subject: string) =>
  newEvent({ type: 'AlertCleared', data: { code, subject, message: 'It ended.' } });
const ALL = { before: null, limit: 100 };

describe('alerts', () => {
  it('are one row for each time that a condition held, newest first, with the events around it', async () => {
    const [first, second, third] = await record(
      store,
      raised('DISK_LOW', 'web-1'),
      cleared('DISK_LOW', 'web-1'),
      raised('DISK_LOW', 'web-1'),
    );
    await catalog.caughtUp();
    const same = {
      code: 'DISK_LOW',
      subject: 'web-1',
      severity: 'critical',
      message: 'It began.',
      details: { free: 1 },
    };
    expect(catalog.alerts(ALL)).toEqual([
      { ...same, raised: { position: third!.position, at: AT, actor: 'local' }, cleared: null },
      {
        ...same,
        raised: { position: first!.position, at: AT, actor: 'local' },
        cleared: { position: second!.position, at: AT, actor: 'local', message: 'It ended.' },
      },
    ]);
  });

  it('that are raised once more while they hold have newer words; clearing what does not hold is nothing', async () => {
    await record(
      store,
      cleared('DISK_LOW', 'web-2'),
      raised('DISK_LOW', 'web-1'),
      raised('DISK_LOW', 'web-1', 'Again.'),
    );
    await catalog.caughtUp();
    expect(catalog.alerts(ALL)).toMatchObject([{ subject: 'web-1', message: 'Again.', cleared: null }]);
  });

  it('are listed by state and code, page by page', async () => {
    await record(
      store,
      raised('DISK_LOW', 'web-1'),
      raised('CDN_UNREACHABLE', '-'),
      cleared('CDN_UNREACHABLE', '-'),
      raised('NODE_SILENT', 'web-2'),
    );
    await catalog.caughtUp();
    const codes = (question: Partial<Parameters<Catalog['alerts']>[0]>) =>
      catalog.alerts({ ...ALL, ...question }).map(({ code }) => code);
    expect(codes({ isOpen: true })).toEqual(['NODE_SILENT', 'DISK_LOW']);
    expect(codes({ isOpen: false })).toEqual(['CDN_UNREACHABLE']);
    expect(codes({ code: 'DISK_LOW' })).toEqual(['DISK_LOW']);
    const [newest] = catalog.alerts({ ...ALL, limit: 1 });
    expect(codes({ before: newest!.raised.position })).toEqual(['CDN_UNREACHABLE', 'DISK_LOW']);
  });
});
