import type { EventStore, ModeWatch } from '@holdfast/domain';
import type { Lookout } from '@holdfast/health';
import type { ProjectorConfig } from '../config.ts';
import { findFailover } from './find-failover.ts';

/** Of this process, whose probes would send readers back. */
export type FallbackSettings = Pick<ProjectorConfig, 'failover' | 'cdnBaseUrl'>;

/** Says for as long as readers are at the local origin because of a probe (FAILED_OVER). */
export const lookAtFallback = (
  { store, mode: watch }: { store: EventStore; mode: Pick<ModeWatch, 'mode' | 'lastChange'> },
  settings: FallbackSettings,
): Lookout => ({
  what: 'the failover',
  look: async () => {
    const which = { code: 'FAILED_OVER', subject: '-' } as const;
    const { mode } = watch;
    const failover = mode.localFallback ? await findFailover(store) : null;
    if (failover === null) return [{ ...which, problem: null }];
    const since = failover.metadata.at;
    const whyStay = whyTheyStay(mode, settings);
    const end =
      whyStay === null
        ? 'They are sent back when ten probes in a row succeed; "holdfast mode set --pin" keeps it as it is.'
        : `They stay there, as ${whyStay}: nothing sends them back by itself. "holdfast mode set --fallback off" ends it.`;
    const message = `Readers have been sent to the local origin since ${since}. ${failover.data.reason}. ${end}`;
    return [{ ...which, problem: { severity: 'warning', message, details: { since } } }];
  },
});

function whyTheyStay(mode: ModeWatch['mode'], { failover, cdnBaseUrl }: FallbackSettings): string | null {
  if (mode.pinned) return 'the mode is pinned';
  if (failover === 'off') return 'HOLDFAST_FAILOVER is off';
  if (!mode.cdnEnabled) return 'the CDN is disabled';
  return (mode.cdnBaseUrl ?? cdnBaseUrl) === null ? 'no URL of the CDN is known' : null;
}
