import type { Decider } from '../handle-command.ts';
import type { DecidedEvent, EventData, EventOf } from '../events.ts';
import type { ModeCause, ProbeSample } from './events.ts';

/** The delivery mode as the log has it. */
export type Mode = Omit<EventData<'ModeChanged'>, 'cause' | 'reason' | 'fallbackBy' | 'probes'>;

/** What a change is decided by. */
export interface ModeState extends Mode {
  /** Who wants the fallback that is on; absent where it is off, or nobody knows. */
  readonly fallbackBy?: ModeCause | undefined;
}

export interface ChangeMode {
  readonly type: 'ChangeMode';
  /** Any subset of the fields; the others stay. */
  readonly changes: Partial<Mode>;
  readonly cause: ModeCause;
  readonly reason: string;
  readonly probes?: readonly ProbeSample[];
}

/** Before any event: the CDN is enabled, no fallback, not pinned, base URLs from each node's environment. */
export const initialMode: Mode = {
  cdnEnabled: true,
  localFallback: false,
  pinned: false,
  cdnBaseUrl: null,
  localBaseUrl: null,
};

export function evolveMode(_mode: Mode, event: EventOf<'ModeChanged'>): Mode {
  const { cdnEnabled, localFallback, pinned, cdnBaseUrl, localBaseUrl } = event.data;
  return { cdnEnabled, localFallback, pinned, cdnBaseUrl, localBaseUrl };
}

/**
 * An operator who asks for the fallback while a probe's is on makes it theirs, which is a change too.
 * @returns nothing when the mode is already so, or when a probe would touch a mode that an operator pinned, or switch
 *          off the fallback that an operator wants
 */
export function decideMode(command: ChangeMode, { fallbackBy, ...mode }: ModeState): DecidedEvent[] {
  const { changes, cause, reason, probes } = command;
  const next: Mode = { ...mode, ...changes };
  const nextBy = next.localFallback ? whoseFallback(command, { ...mode, fallbackBy }) : undefined;
  const fields = Object.keys(initialMode) as (keyof Mode)[];
  const isUnchanged = fields.every((field) => next[field] === mode[field]) && nextBy === fallbackBy;
  const isTheirs = mode.pinned || (fallbackBy === 'operator' && !next.localFallback);
  if (isUnchanged || (cause === 'probe' && isTheirs)) return [];
  return [
    {
      type: 'ModeChanged',
      data: {
        ...next,
        cause,
        reason,
        ...(nextBy === undefined ? {} : { fallbackBy: nextBy }),
        ...(probes === undefined ? {} : { probes: [...probes] }),
      },
    },
  ];
}

function whoseFallback({ changes, cause }: ChangeMode, mode: ModeState): ModeCause | undefined {
  const isWish = cause === 'operator' && changes.localFallback === true;
  return isWish || !mode.localFallback ? cause : mode.fallbackBy;
}

export const modeDecider: Decider<ModeState, ChangeMode, EventOf<'ModeChanged'>> = {
  initial: initialMode,
  evolve: (mode, event) => ({ ...evolveMode(mode, event), fallbackBy: event.data.fallbackBy }),
  decide: decideMode,
};
