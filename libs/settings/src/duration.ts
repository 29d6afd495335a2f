import { z } from 'zod';
import { list } from './list.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LONGEST_MS = 30 * 86_400_000;

const WANTED = 'a duration between 1ms and 30d (units are ms, s, m, h, d)';

const durationOr = (tellProblem: (text: string) => string) =>
  z.string().transform((text, context) => {
    const [, amount, unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
    const milliseconds = Number(amount) * (UNITS[unit] ?? 0);
    if (milliseconds >= 1 && milliseconds <= LONGEST_MS) return milliseconds;
    context.addIssue(tellProblem(text));
    return z.NEVER;
  });

/** `250ms`, `30s`, `1m`, `2h`, `1d`: milliseconds, at least 1 and at most 30 days. */
export const durationMs = durationOr(() => `is not ${WANTED}`);

/** `30s,1m,2m`: what to wait after the first failure, after the second and so on. */
export const durationsMs = list(
  durationOr((text) => `has ${JSON.stringify(text)} where ${WANTED} should be`),
  100,
);
