import type { EventStore, ModeWatch } from '@holdfast/domain';
import type { Lookout } from '@holdfast/health';
import { findFailover } from './find-failover.ts';

/** Says for as long as readers are at the local origin because of a probe (FAILED_OVER). */
export const lookAtFallback = (ports: {
  store: EventStore;
  mode: Pick<ModeWatch, 'mode' | 'lastChange'>;
}): Lookout => ({
  what: 'the failover',
  look: async () => {
    const which = { code: 'FAILED_OVER', subject: '-' } as const;
    const failover = ports.mode.mode.localFallback ? await findFailover(ports.store) : null;
    if (failover === null) return [{ ...which, problem: null }];
    const since = failover.metadata.at;
    const message = `Readers have been sent to the local origin since ${since}. ${failover.data.reason}. They are sent back when ten probes in a row succeed; "holdfast mode set --pin" keeps it as it is.`;
    return [{ ...which, problem: { severity: 'warning', message, details: { since } } }];
  },
});
