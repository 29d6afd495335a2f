import { expect, it } from '@jest/globals';
import { findTroubles } from './troubles.ts';

it('names each thing once, the worst first, and where to go about it', () => {
  const troubles = findTroubles(
    {
      reasons: [{ code: 'MODE_STALE', detail: 'not heard' }],
      warnings: [
        { code: 'DEAD_LETTERS', detail: '2 were given up' },
        { code: 'DISK_FULL', detail: 'the data disk' },
      ],
    },
    [
      { code: 'DISK_LOW', message: 'the data disk', severity: 'critical' },
      { code: 'REPLICATION_DEAD_LETTERED', message: 'two', severity: 'warning' },
      { code: 'PURGE_FAILING', message: 'the token', severity: 'warning' },
    ],
  );
  expect(troubles).toEqual([
    { code: 'MODE_STALE', detail: 'not heard', isSevere: true, page: '/mode' },
    { code: 'DISK_FULL', detail: 'the data disk', isSevere: true, page: '/alerts' },
    { code: 'DEAD_LETTERS', detail: '2 were given up', isSevere: false, page: '/replications' },
    { code: 'PURGE_FAILING', detail: 'the token', isSevere: false, page: '/alerts' },
  ]);
});
