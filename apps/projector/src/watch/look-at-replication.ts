import type { Catalog } from '@holdfast/catalog';
import type { Clock } from '@holdfast/domain';
import type { Finding, Lookout } from '@holdfast/health';
import type { PurgingStatus } from '../cdn/purging.ts';

/** How many documents were given up for the bucket: one alert, whatever their number. */
export const lookAtDeadLetters = (catalog: Pick<Catalog, 'replicationCounts'>): Lookout => ({
  what: 'the dead letters',
  look: (): Finding[] => {
    const which = { code: 'REPLICATION_DEAD_LETTERED', subject: '-' } as const;
    const { 'dead-letter': count } = catalog.replicationCounts();
    if (count === 0) return [{ ...which, problem: null }];
    const what = count === 1 ? 'One document was' : `${count} documents were`;
    const message = `${what} given up for the bucket after the last attempt; readers get what is there from before. "holdfast replications --failed" says why, "holdfast replications retry --all" tries again.`;
    return [{ ...which, problem: { severity: 'critical', message, details: { count } } }];
  },
});

/** Caches may serve what was replaced for so long, and nobody needs to hear of it. */
const PURGE_WAITS_MS = 300_000;

/** Purges that have waited for minutes: readers may get what was replaced. */
export function lookAtPurging(purging: { status(): PurgingStatus }, clock: Clock): Lookout {
  const which = { code: 'PURGE_FAILING', subject: '-' } as const;
  let waitingSince: Date | null = null;
  return {
    what: 'the purges',
    look: (): Finding[] => {
      const { state, reason, pending } = purging.status();
      if (state === 'starting') return [];
      if (state !== 'waiting') {
        waitingSince = null;
        return [{ ...which, problem: null }];
      }
      waitingSince ??= clock.now();
      if (clock.now().getTime() - waitingSince.getTime() < PURGE_WAITS_MS) return [];
      const since = waitingSince.toISOString();
      const message = `The CDN's cache has not been purged since ${since}; readers may get what was replaced until it expires there. ${reason ?? ''} It is tried again by itself.`;
      return [{ ...which, problem: { severity: 'warning', message, details: { since, pending } } }];
    },
  };
}
