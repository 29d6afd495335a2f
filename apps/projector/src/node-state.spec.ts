import { expect, it } from '@jest/globals';
import type { EventOf, HoldfastError } from '@holdfast/domain';
import { ManualClock, MemoryEventStore } from '@holdfast/domain/testing';
import { Heartbeat } from '@holdfast/health';
import { readNodeState } from './node-state.ts';

it('the node reports whatever the length of a reason, which is cut to what an event takes', async () => {
  const store = new MemoryEventStore();
  const troubles: HoldfastError[] = [];
  const reason = `${'x'.repeat(1_999)}𝒳${'x'.repeat(1_000)}`;
  const waiting = { state: 'waiting', reason, pending: 1, oldestPendingAt: null } as const;
  const local = { name: 'local', checkpoint: null, ...waiting } as const;
  const cdn = { ...local, name: 'cdn', reason: 'OBJECT_STORE_TIMEOUT: no answer' } as const;
  const heartbeat = new Heartbeat(
    {
      store,
      clock: new ManualClock(),
      readState: () =>
        readNodeState({
          projectors: {
            local: { status: () => local },
            cdn: { status: () => cdn, purgingStatus: () => ({ ...waiting, refused: 0 }) },
            drift: null,
          },
          alerts: { status: () => ({ raised: [], channels: [], unkept: null }) },
          disks: {},
          log: { info: () => undefined, warn: () => undefined, error: () => undefined },
        }),
      onTrouble: (error) => troubles.push(error),
    },
    { node: 'web-1', version: '1.2.3', runtime: 'v24.0.0' },
  );
  await heartbeat.start();
  await heartbeat.close();
  expect(troubles).toEqual([]);
  const [report] = (await store.readStream('node-web-1', { maxCount: 1 })) as EventOf<'NodeReported'>[];
  // No half of a character is left.
  const cut = `${'x'.repeat(1_999)}\uFFFD`;
  expect(report?.data.projectors.map((projector) => [projector.name, projector.reason])).toEqual([
    ['local', cut],
    ['cdn', cdn.reason],
    ['purge', cut],
  ]);
});
