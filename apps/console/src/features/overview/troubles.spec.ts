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
    { code: 'MODE_STALE', details: ['not heard'], isSevere: true, page: '/mode' },
    { code: 'DISK_FULL', details: ['the data disk'], isSevere: true, page: '/alerts' },
    { code: 'DEAD_LETTERS', details: ['2 were given up'], isSevere: false, page: '/replications' },
    { code: 'PURGE_FAILING', details: ['the token'], isSevere: false, page: '/alerts' },
  ]);
});

it('names what is so in several places once, and what follows from another thing not at all', () => {
  const warnings = [
    { code: 'PROJECTOR_WAITING', detail: 'The cdn projector waits: no connection' },
    { code: 'NODE_SILENT', detail: 'web-1' },
    { code: 'NODE_SILENT', detail: 'web-2' },
  ];
  const away = [{ code: 'CDN_UNREACHABLE', message: 'no connection', severity: 'critical' }] as const;
  expect(findTroubles({ reasons: [], warnings }, away).map(({ code, details }) => [code, details])).toEqual([
    ['CDN_UNREACHABLE', ['no connection']],
    ['NODE_SILENT', ['web-1', 'web-2']],
  ]);
  expect(findTroubles({ reasons: [], warnings }, []).map(({ code }) => code)).toContain('PROJECTOR_WAITING');
});
