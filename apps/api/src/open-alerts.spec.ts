import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type Catalog, openCatalog } from '@holdfast/catalog';
import { ManualClock, MemoryEventStore, newEvent, record } from '@holdfast/domain/testing';
import { type Alert, Alerts } from '@holdfast/health';
import { findOpenAlerts } from './open-alerts.ts';

const DISK_LOW: Alert = {
  code: 'DISK_LOW',
  subject: 'web-1',
  severity: 'critical',
  message: 'Little is free.',
  details: {},
};

let directory: string;
let store: MemoryEventStore;
let catalog: Catalog;
let alerts: Alerts;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-open-alerts-'));
  store = new MemoryEventStore();
  const clock = new ManualClock();
  catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock });
  catalog.start(() => undefined);
  const say = () => undefined;
  const log = { info: say, warn: say, error: say };
  const file = join(directory, 'alerts.db');
  alerts = new Alerts({ file, actor: 'api:web-1', notifiers: [], clock, log });
});

afterEach(async () => {
  await alerts.close();
  await catalog.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

it('shows at once what the log has yet to take, and each alert once', async () => {
  alerts.raise(DISK_LOW);
  expect(findOpenAlerts({ alerts, catalog })).toMatchObject([{ ...DISK_LOW, state: 'open', events: [] }]);
  await record(store, newEvent({ type: 'AlertRaised', data: DISK_LOW }));
  await record(store, newEvent({ type: 'AlertRaised', data: { ...DISK_LOW, subject: 'web-2' } }));
  await catalog.caughtUp();
  const open = findOpenAlerts({ alerts, catalog });
  expect(open.map(({ subject, events }) => [subject, events.length])).toEqual([
    ['web-2', 1],
    ['web-1', 1],
  ]);
});
