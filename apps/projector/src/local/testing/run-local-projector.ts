// A process of its own for specs that kill it: `node run-local-projector.ts <data directory> [replay]`. With `replay`, it
// replays again and again.
import { openSqliteEventStore } from '@holdfast/event-store';
import { systemClock } from '@holdfast/domain';
import { dataPaths } from '@holdfast/storage';
import { startLocalNode } from './local-node.ts';

const [dataDir, mode] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('Usage: run-local-projector.ts <data directory> [replay]');
const { events, eventsBell } = dataPaths(dataDir);
const store = await openSqliteEventStore({
  file: events,
  bellFile: eventsBell,
  clock: systemClock,
  createIfMissing: false,
});
const { projector } = await startLocalNode({ store, dataDir });
await projector.caughtUp();
const signal = new AbortController().signal;
while (mode === 'replay') {
  await projector.replay({ until: null, prefix: null, out: null }, { onProgress: () => undefined, signal });
}
