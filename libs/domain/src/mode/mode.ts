import type { Decider } from '../handle-command.ts';
import type { DecidedEvent, EventData, EventOf } from '../events.ts';
import type { ProbeSample } from './events.ts';

/** The delivery mode as the log has it. */
export type Mode = Omit<EventData<'ModeChanged'>, 'cause' | 'reason' | 'probes'>;

export interface ChangeMode {
  readonly type: 'ChangeMode';
  /** Any subset of the fields; the others stay. */
  readonly changes: Partial<Mode>;
  readonly cause: 'operator' | 'probe';
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

/** @returns nothing when the mode is already so, or when a probe would touch a mode an operator pinned */
export function decideMode({ changes, cause, reason, probes }: ChangeMode, mode: Mode): DecidedEvent[] {
  const next: Mode = { ...mode, ...changes };
  const fields = Object.keys(initialMode) as (keyof Mode)[];
  const isUnchanged = fields.every((field) => next[field] === mode[field]);
  if (isUnchanged || (cause === 'probe' && mode.pinned)) return [];
  return [
    {
      type: 'ModeChanged',
      data: { ...next, cause, reason, ...(probes === undefined ? {} : { probes: [...probes] }) },
    },
  ];
}

export const modeDecider: Decider<Mode, ChangeMode, EventOf<'ModeChanged'>> = {
  initial: initialMode,
  evolve: evolveMode,
  decide: decideMode,
};
