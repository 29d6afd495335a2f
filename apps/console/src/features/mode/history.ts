import type { AuditEvent, ModeAnswer } from '@holdfast/api/types';
import { choiceOf, type ModeChoice } from '../../app/mode-name.ts';

export interface ProbeSample {
  readonly at: string;
  readonly isGood: boolean;
  readonly outcome: string;
}

/** One change of the mode, as the log has it. */
export interface Switch {
  readonly position: string;
  readonly at: string;
  readonly actor: string;
  readonly choice: ModeChoice;
  readonly pinned: boolean;
  readonly cause: 'operator' | 'probe';
  readonly reason: string;
  readonly probes: readonly ProbeSample[];
}

type Recorded = Pick<ModeAnswer, 'cdnEnabled' | 'localFallback' | 'pinned'> & {
  readonly cause: 'operator' | 'probe';
  readonly reason: string;
  readonly probes?: readonly ProbeSample[];
};

/** @param events  newest first, as the audit answers; one that cannot be read is left out */
export const readSwitches = (events: readonly AuditEvent[]): Switch[] =>
  events.flatMap(({ position, at, actor, data }) => {
    if (data === null || at === null) return [];
    const { pinned, cause, reason, probes = [], ...mode } = data as unknown as Recorded;
    return [{ position, at, actor: actor ?? '', choice: choiceOf(mode), pinned, cause, reason, probes }];
  });

export interface Span {
  readonly choice: ModeChoice;
  readonly from: number;
  readonly to: number;
}

/**
 * Where readers were sent, from one instant to another, oldest first; changes that sent them nowhere else make no
 * new span.
 * @param switches  newest first; before the first of all the CDN is on
 * @param isWhole   whether they go back to the beginning; otherwise it is not known what was before them
 */
export function spansOf(switches: readonly Switch[], from: number, to: number, isWhole: boolean): Span[] {
  const changes = switches.map(({ at, choice }) => ({ at: Date.parse(at), choice })).reverse();
  const first = isWhole ? [{ at: Number.NEGATIVE_INFINITY, choice: 'cdn' as ModeChoice }] : [];
  const spans: Span[] = [];
  const all = [...first, ...changes];
  for (const [index, { at, choice }] of all.entries()) {
    const span = { choice, from: Math.max(from, at), to: Math.min(to, all[index + 1]?.at ?? to) };
    const before = spans.at(-1);
    if (span.to <= span.from) continue;
    if (before?.choice === choice) spans[spans.length - 1] = { ...before, to: span.to };
    else spans.push(span);
  }
  return spans;
}
