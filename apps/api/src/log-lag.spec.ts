import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { openCatalog } from '@holdfast/catalog';
import { CONTENT_EVENT_TYPES, type NewEvent, type Position } from '@holdfast/domain';
import {
  deleted,
  ManualClock,
  MemoryEventStore,
  newEvent,
  published,
  record,
} from '@holdfast/domain/testing';
import { measureContentLag, measureLag } from './log-lag.ts';

const modeChanged = () =>
  newEvent({
    type: 'ModeChanged',
    data: {
      cdnEnabled: true,
      localFallback: false,
      pinned: false,
      cdnBaseUrl: null,
      localBaseUrl: null,
      cause: 'operator',
      reason: '',
    },
  });

it('counts as many changes of content as the log has after every checkpoint, wherever the catalog stands', async () => {
  const store = new MemoryEventStore();
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-lag-'));
  const catalog = await openCatalog({ file: join(directory, 'catalog.db'), store, clock: new ManualClock() });
  const checkpoints: (Position | null)[] = [null];
  const append = async (...events: readonly NewEvent[]): Promise<void> => {
    for (const event of events) checkpoints.push((await record(store, event))[0]!.position);
  };
  await append(published('a.json', '1'), published('b.json', '2'), deleted('a.json'), modeChanged());
  catalog.start(() => undefined);
  await catalog.caughtUp();
  const reflected = catalog.checkpoint;
  await append(published('c.json', '3'), modeChanged(), published('a.json', '4'));
  const behind = {
    checkpoint: reflected,
    changesAfter: (after: Position | null) =>
      [1, 2, 3].filter((at) => after === null || checkpoints[at]! > after).length,
  };
  for (const checkpoint of checkpoints) {
    const expected = await measureLag(store, checkpoint, CONTENT_EVENT_TYPES);
    expect(await measureContentLag({ store, catalog: behind }, checkpoint)).toEqual(expected);
    await catalog.caughtUp();
    expect(await measureContentLag({ store, catalog }, checkpoint)).toEqual(expected);
  }
  await catalog.close();
  await store.close();
  rmSync(directory, { recursive: true });
});
