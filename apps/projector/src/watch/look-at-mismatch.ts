import type { Finding, Lookout } from '@holdfast/health';
import type { ProjectorStatus } from '../local/condition.ts';

const CODE = 'LOG_MISMATCH';

/**
 * Whether a projector of this process has stopped as files or bucket belong to another log.
 * @param subject  the process: `web-1/projector`
 */
export const lookAtMismatch = (subject: string, statuses: () => readonly ProjectorStatus[]): Lookout => ({
  what: 'whether files and bucket belong to the log',
  look: (): Finding[] => {
    const which = { code: CODE, subject } as const;
    const all = statuses();
    const stopped = all.filter(
      ({ state, reason }) => state === 'stopped' && reason?.startsWith(`${CODE}:`) === true,
    );
    const [first] = stopped;
    // One that has not begun may stop yet.
    if (first === undefined && all.some(({ state }) => state === 'starting')) return [];
    if (first === undefined) return [{ ...which, problem: null }];
    const projectors = stopped.map(({ name }) => name);
    const message = `No ${projectors.join(' or ')} projector writes on ${subject}, and nothing is repaired there. ${first.reason}`;
    return [{ ...which, problem: { severity: 'critical', message, details: { projectors } } }];
  },
});
