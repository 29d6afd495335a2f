// A process of its own for specs that kill it: `node run-local-projector.ts <data directory> [replay]`. With `replay`, it
// replays again and again.
import { openEventStore } from '@holdfast/event-store';
import { systemClock } from '@holdfast/domain';
// eslint-disable-next-line @nx/enforce-module-boundaries -- only specs run this file
import { testEventStore } from '@holdfast/testing';
import { startLocalNode } from './local-node.ts';

const [dataDir, mode] = process.argv.slice(2);
if (dataDir === undefined) throw new Error('Usage: run-local-projector.ts <data directory> [replay]');
const { store } = await openEventStore(testEventStore(dataDir), {
  clock: systemClock,
  createIfMissing: false,
});
const { projector } = await startLocalNode({ store, dataDir });
await projector.caughtUp();
const signal = new AbortController().signal;
while (mode === 'replay') {
  await projector.replay({ until: null, prefix: null, out: null }, { onProgress: () => undefined, signal });
}
