import { z } from 'zod';

/** Of what is given, the part that allows more counts. */
export interface MaxRepairs {
  readonly count: number | null;
  /** Of the documents there are, 0 to 100. */
  readonly percent: number | null;
}

/** How many orphans a repair may touch on each side, with so many documents. */
export const allowedOrphans = ({ count, percent }: MaxRepairs, published: number): number =>
  Math.max(count ?? 0, percent === null ? 0 : Math.floor((published * percent) / 100));

/** `100`, `1%` or both with a comma between. */
export const maxRepairs = z.string().transform((text, context): MaxRepairs => {
  let count: number | null = null;
  let percent: number | null = null;
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const isPercent = /^\d{1,3}(?:\.\d{1,6})? ?%$/.test(part) && Number.parseFloat(part) <= 100;
    const isCount = /^\d{1,9}$/.test(part);
    if ((!isPercent && !isCount) || (isPercent ? percent : count) !== null) {
      context.addIssue('is not a number, a percentage or one of each with a comma between');
      return z.NEVER;
    }
    if (isPercent) percent = Number.parseFloat(part);
    else count = Number(part);
  }
  return { count, percent };
});
